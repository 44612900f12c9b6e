/** Signed examples of the RFCs: zone, DNSKEY, DS where the RFC has it, and one signed RRset; all in presentation form. */

export interface SignedExample {
  readonly source: string;
  readonly zone: string;
  readonly keyTag: number;
  readonly dnskey: string;
  readonly ds?: string;
  readonly ownerName: string;
  readonly type: string;
  readonly rdata: string;
  readonly rrsig: string;
}

const MX = { zone: 'example.com.', ownerName: 'example.com.', type: 'MX', rdata: '10 mail.example.com.' };

export const SIGNED_EXAMPLES: readonly SignedExample[] = [
  {
    source: 'RFC 6605 §6.1 (P-256)',
    zone: 'example.net.',
    keyTag: 55648,
    dnskey: '257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
    ds: '55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17',
    ownerName: 'www.example.net.',
    type: 'A',
    rdata: '192.0.2.1',
    rrsig:
      'A 13 3 3600 20100909100439 20100812100439 55648 example.net. ' +
      'qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
  },
  {
    source: 'RFC 6605 §6.2 (P-384)',
    zone: 'example.net.',
    keyTag: 10771,
    dnskey:
      '257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65' +
      'F6Glur8I/mlVNgF6W/qTI37m40',
    ds: '10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6',
    ownerName: 'www.example.net.',
    type: 'A',
    rdata: '192.0.2.1',
    rrsig:
      'A 14 3 3600 20100909102025 20100812102025 10771 example.net. ' +
      '/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI' +
      '0RSMROxxwGipWcJm',
  },
  {
    ...MX,
    source: 'RFC 8080 §6.1 (Ed25519, first)',
    keyTag: 3613,
    dnskey: '257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=',
    ds: '3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b',
    rrsig:
      'MX 15 2 3600 1440021600 1438207200 3613 example.com. ' +
      'oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==',
  },
  {
    ...MX,
    source: 'RFC 8080 §6.1 (Ed25519, second)',
    keyTag: 35217,
    dnskey: '257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=',
    ds: '35217 15 2 401781b934e392de492ec77ae2e15d70f6575a1c0bc59c5275c04ebe80c6614c',
    rrsig:
      'MX 15 2 3600 1440021600 1438207200 35217 example.com. ' +
      'zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==',
  },
  {
    ...MX,
    source: 'RFC 8080 §6.2 (Ed448)',
    keyTag: 9713,
    dnskey: '257 3 16 3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA',
    ds: '9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7',
    rrsig:
      'MX 16 2 3600 1440021600 1438207200 9713 example.com. ' +
      '3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/07+4RQvE58' +
      '1N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA',
  },
  {
    source: 'RFC 5702 §6.1 (RSA/SHA-256)',
    zone: 'example.net.',
    keyTag: 9033,
    dnskey: '256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=',
    ownerName: 'www.example.net.',
    type: 'A',
    rdata: '192.0.2.91',
    rrsig:
      'A 8 3 3600 20300101000000 20000101000000 9033 example.net. ' +
      'kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==',
  },
  {
    source: 'RFC 5702 §6.2 (RSA/SHA-512)',
    zone: 'example.net.',
    keyTag: 3740,
    dnskey:
      '256 3 10 AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZD' +
      'tJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTSncorffcGmhOL',
    ownerName: 'www.example.net.',
    type: 'A',
    rdata: '192.0.2.91',
    rrsig:
      'A 10 3 3600 20300101000000 20000101000000 3740 example.net. ' +
      'tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOuagYJRfDqfRe' +
      'KBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=',
  },
];
