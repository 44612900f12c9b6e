/** The frame of the first run: the steps, and the one that is open. The steps behind it can be opened again. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../../components/icons.tsx';
import mark from '../../mark.svg';
import type { SetupState } from '../../setup-types.ts';
import { texts } from '../../texts.ts';

const t = texts.setup;

export const STEPS = ['administrator', 'zone', 'network', 'review', 'name', 'device'] as const;
export type Step = (typeof STEPS)[number];

export interface StepProps {
  readonly state: SetupState;
  readonly onStep: (step: Step) => void;
  readonly onAnswer: (state: SetupState, next: Step) => void;
}

export interface FrameProps {
  readonly step: Step;
  /** Opens an earlier step; absent: there is no way back. */
  readonly onStep?: ((step: Step) => void) | undefined;
  readonly title: string;
  readonly lead: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Frame({ step, onStep, title, lead, children }: FrameProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const current = STEPS.indexOf(step);
  useEffect(() => {
    document.title = `${title} · ${texts.shell.product}`;
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [title]);
  return (
    <div class="setup">
      <header class="setup-side">
        <p class="brand">
          <img src={mark} alt="" width="28" height="28" />
          {texts.shell.product}
        </p>
        <nav aria-label={t.steps}>
          <ol class="setup-steps">
            {STEPS.map((one, index) => (
              <li key={one} aria-current={index === current ? 'step' : undefined} class={stepClass(index, current)}>
                <StepTitle step={one} isDone={index < current} number={index + 1} onStep={onStep} />
              </li>
            ))}
          </ol>
        </nav>
      </header>
      <main class="setup-main">
        <div class="setup-head">
          <p class="setup-count">{t.stepOf(current + 1, STEPS.length)}</p>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          <p class="page-lead">{lead}</p>
        </div>
        {children}
      </main>
    </div>
  );
}

function stepClass(index: number, current: number): string {
  return index < current ? 'setup-done' : index === current ? 'setup-current' : 'setup-later';
}

function StepTitle({
  step,
  isDone,
  number,
  onStep,
}: {
  readonly step: Step;
  readonly isDone: boolean;
  readonly number: number;
  readonly onStep: ((step: Step) => void) | undefined;
}) {
  const title = (
    <>
      <span class="setup-number">{isDone ? <Icon name="check" size={14} /> : number}</span>
      <span class="setup-step-title">{t.stepTitles[step]}</span>
      {isDone && <span class="hidden-text">{t.done}</span>}
    </>
  );
  if (!isDone || onStep === undefined) return <span class="setup-step">{title}</span>;
  return (
    <button type="button" class="setup-step" onClick={() => onStep(step)}>
      {title}
    </button>
  );
}

/** One of a few choices, each with what it means. */
export function Choices<Value extends string>({
  legend,
  name,
  value,
  onValue,
  options,
}: {
  readonly legend: string;
  readonly name: string;
  readonly value: Value;
  readonly onValue: (value: Value) => void;
  readonly options: readonly { readonly value: Value; readonly title: string; readonly text: string }[];
}) {
  return (
    <fieldset class="setup-choices">
      <legend class="field-label">{legend}</legend>
      {options.map((option) => (
        <label key={option.value} class="setup-choice">
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={value === option.value}
            onChange={() => onValue(option.value)}
          />
          <span>
            <span class="setup-choice-title">{option.title}</span>
            <span class="setup-choice-text">{option.text}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
