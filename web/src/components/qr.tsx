/** A QR code, whose library is loaded when one is shown. The text is beside it in another form: a picture alone would exclude people. */
import { useEffect, useState } from 'preact/hooks';
import { texts } from '../texts.ts';
import { Loading } from './states.tsx';

/** Of quiet modules around the code (ISO/IEC 18004). */
const MARGIN = 4;

export function QrCode({ text, what }: { readonly text: string; readonly what: string }) {
  const [code, setCode] = useState<{ readonly size: number; readonly path: string }>();
  useEffect(() => {
    let isCurrent = true;
    void import('lean-qr').then(({ generate }) => {
      const bitmap = generate(text);
      const parts: string[] = [];
      for (let y = 0; y < bitmap.size; y += 1) {
        for (let x = 0; x < bitmap.size; x += 1) {
          if (bitmap.get(x, y)) parts.push(`M${x + MARGIN} ${y + MARGIN}h1v1h-1z`);
        }
      }
      if (isCurrent) setCode({ size: bitmap.size + 2 * MARGIN, path: parts.join('') });
    });
    return () => {
      isCurrent = false;
    };
  }, [text]);
  if (code === undefined) return <Loading lines={3} />;
  return (
    <svg
      class="qr"
      role="img"
      aria-label={texts.common.qr(what)}
      viewBox={`0 0 ${code.size} ${code.size}`}
      shape-rendering="crispEdges"
    >
      <rect width={code.size} height={code.size} fill="#fff" />
      <path d={code.path} fill="#000" />
    </svg>
  );
}
