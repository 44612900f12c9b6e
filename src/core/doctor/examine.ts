/**
 * `dyndns doctor`: checks a zone from the parent's delegation down to the reverse proxy, with advice for each finding.
 * It changes nothing. What this machine cannot check is reported as "not checked", never as "ok".
 */
import { checkCertificate } from './certificate.ts';
import { checkDelegation } from './delegation.ts';
import { checkDnssec } from './dnssec.ts';
import { checkHosts } from './hosts.ts';
import { checkHttp, checkOutside } from './http.ts';
import { checkNameservers } from './nameservers.ts';
import { CHECKS, type DoctorSubject, type DoctorTools, type Finding } from './ports.ts';
import { checkPrimary, readSerial } from './primary.ts';
import { checkSecondaries } from './secondaries.ts';

/** Returns all findings, in the order of `CHECKS`. */
export async function examine(subject: DoctorSubject, tools: DoctorTools): Promise<Finding[]> {
  const { zone } = subject;
  const primary = await checkPrimary(subject, tools);
  tools.progress(`querying the parent of '${zone}'`);
  const delegation = await checkDelegation(zone, primary.zone, tools.lookup);
  tools.progress(`querying the nameservers of '${zone}'`);
  const serialNow = () => readSerial(subject, tools);
  const servers = await checkNameservers(zone, delegation.listed ?? [], primary.zone, tools.lookup, serialNow);
  tools.progress(`checking the signatures of '${zone}'`);
  const all = [
    ...primary.findings,
    ...delegation.findings,
    ...servers.findings,
    ...checkSecondaries(subject.secondaries),
    ...(await checkDnssec(subject, delegation.parent, servers.servers, tools)),
    ...(await checkHttp(subject, tools)),
    ...(await checkCertificate(subject.certificate, tools)),
    ...checkOutside(
      subject,
      servers.servers.map(({ address }) => address),
    ),
    ...(primary.zone === undefined ? [] : await checkHosts(subject, tools)),
  ];
  return CHECKS.flatMap((check) => all.filter((finding) => finding.check === check));
}
