/** The certificate in the files of `http.tls`, for commands and warnings. */
import type { HttpConfig } from '../config/config.ts';
import { describeCertificate, readTlsFiles, type ServedCertificate } from '../http/app/tls.ts';

/** Undefined without files that can be used: who needs them reports that. */
export function certificateOfFiles(http: HttpConfig): ServedCertificate | undefined {
  try {
    return http.tls && describeCertificate(readTlsFiles(http));
  } catch {
    return undefined;
  }
}
