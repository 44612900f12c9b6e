/**
 * `dyndns doctor`: looks at a zone from the parent's delegation down to the proxy in front of HTTP, and says of each
 * finding what to do. It changes nothing. What cannot be seen from this machine is told as "not checked", never as good.
 */
import { checkDelegation } from './delegation.ts';
import { checkHttp, checkOutside } from './http.ts';
import { checkNameservers } from './nameservers.ts';
import { CHECKS, type DoctorSubject, type DoctorTools, type Finding } from './ports.ts';
import { checkPrimary, readSerial } from './primary.ts';

/** All findings, in the order of `CHECKS`. */
export async function examine(subject: DoctorSubject, tools: DoctorTools): Promise<Finding[]> {
  const { zone } = subject;
  const primary = await checkPrimary(subject, tools);
  tools.progress(`asking the nameservers above '${zone}'`);
  const delegation = await checkDelegation(zone, primary.zone, tools.lookup);
  tools.progress(`asking the nameservers of '${zone}'`);
  const serialNow = () => readSerial(subject, tools);
  const servers = await checkNameservers(zone, delegation.listed ?? [], primary.zone, tools.lookup, serialNow);
  const all = [
    ...primary.findings,
    ...delegation.findings,
    ...servers.findings,
    ...(await checkHttp(subject, tools)),
    ...checkOutside(subject, servers.addresses),
  ];
  return CHECKS.flatMap((check) => all.filter((finding) => finding.check === check));
}
