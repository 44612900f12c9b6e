/** The devices that the server has instructions for, in its order. A test compares the list with that of the server. */

export interface DeviceChoice {
  readonly id: string;
  readonly title: string;
  readonly group: 'routers' | 'programs';
}

export const DEVICE_CHOICES: readonly DeviceChoice[] = [
  { id: 'fritzbox', title: 'FRITZ!Box', group: 'routers' },
  { id: 'openwrt', title: 'OpenWrt', group: 'routers' },
  { id: 'unifi', title: 'UniFi', group: 'routers' },
  { id: 'opnsense', title: 'OPNsense', group: 'routers' },
  { id: 'pfsense', title: 'pfSense', group: 'routers' },
  { id: 'mikrotik', title: 'MikroTik', group: 'routers' },
  { id: 'synology', title: 'Synology', group: 'routers' },
  { id: 'asus', title: 'ASUS', group: 'routers' },
  { id: 'ddclient', title: 'ddclient', group: 'programs' },
  { id: 'inadyn', title: 'inadyn', group: 'programs' },
  { id: 'curl', title: 'curl', group: 'programs' },
  { id: 'ddns-updater', title: 'ddns-updater', group: 'programs' },
  { id: 'ddupdate', title: 'ddupdate', group: 'programs' },
  { id: 'home-assistant', title: 'Home Assistant', group: 'programs' },
  { id: 'other', title: 'Something else', group: 'programs' },
];
