/** Knot DNS 3 passes the contract of a zone publisher. */
import { startKnot } from '../support/knot.ts';
import { describeWith, KNOT_PROGRAMS } from '../support/require-server.ts';
import { primarySubject } from './primary-subject.ts';
import { describeZonePublisher } from './zone-publisher.ts';

describeWith(KNOT_PROGRAMS, 'Knot DNS 3', () => {
  describeZonePublisher(primarySubject({ title: 'Knot DNS 3', start: startKnot }));
});
