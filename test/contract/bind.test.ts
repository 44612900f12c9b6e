/** BIND 9 passes the contract of a zone publisher. */
import { startBind } from '../support/bind.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { primarySubject } from './primary-subject.ts';
import { describeZonePublisher } from './zone-publisher.ts';

describeWith(BIND_PROGRAMS, 'BIND 9', () => {
  describeZonePublisher(primarySubject({ title: 'BIND 9', start: startBind }));
  describeZonePublisher(
    primarySubject({ title: 'BIND 9 by UDP with signed reads', start: startBind, transport: 'udp', signedReads: true }),
  );
});
