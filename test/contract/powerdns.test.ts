/** PowerDNS 4 passes the contract of a zone publisher. */
import { startPowerdns } from '../support/powerdns.ts';
import { describeWith, POWERDNS_PROGRAMS } from '../support/require-server.ts';
import { primarySubject } from './primary-subject.ts';
import { describeZonePublisher } from './zone-publisher.ts';

describeWith(POWERDNS_PROGRAMS, 'PowerDNS 4', () => {
  // PowerDNS 4.7 stores a label with a quote, a semicolon or a number sign and answers SERVFAIL for it afterwards.
  describeZonePublisher(primarySubject({ title: 'PowerDNS 4', start: startPowerdns, answersForAnyName: false }));
});
