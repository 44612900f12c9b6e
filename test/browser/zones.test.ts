/** The screens of zones: records with a preview of each change, secondaries, the checks, import and export. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { API_ZONE } from '../support/api-lab.ts';
import { NAME_REPLIES, useSampleData } from './sample-data.ts';
import { describeInBrowser, expectGoodLooks, openScreen, type Screens, startScreens } from './screens.ts';

const ZONE = `/zones/${API_ZONE}.`;

describeInBrowser('the screens of zones', () => {
  let screens: Screens;

  beforeAll(async () => {
    screens = await startScreens();
    await screens.lab.user('anna', 'admin');
    await screens.lab.user('ben');
    await screens.lab.operate('update', { host: `home.${API_ZONE}`, ips: ['192.0.2.1'] });
  });
  afterAll(() => screens?.stop());

  it.each([
    ['zones', '/zones', 'lab.example.com'],
    ['records', '/zones/dyn.example.com.', 'cabin.dyn.example.com'],
    ['secondaries', '/zones/dyn.example.com.?tab=secondaries', 'Versions'],
    ['import and export', '/zones/dyn.example.com.?tab=file', 'Download the zone file'],
  ])('%s look good at each width, light and dark', { timeout: 120_000 }, async (_name, path, text) => {
    const screen = await openScreen(screens.browser, `${screens.url}#${path}`, {
      prepare: (context) => useSampleData(context, () => NAME_REPLIES),
    });
    await screen.page.getByText(text).first().waitFor();
    await expectGoodLooks(screen.page);
    await screen.close();
  });

  it('the checks of the delegation look good, with what to do', { timeout: 120_000 }, async () => {
    const screen = await openScreen(screens.browser, `${screens.url}#/zones/dyn.example.com.?tab=delegation`, {
      prepare: (context) => useSampleData(context, () => NAME_REPLIES),
    });
    await screen.page.getByRole('button', { name: 'Check now' }).click();
    await screen.page.getByText('Something is wrong').waitFor();
    await screen.page.getByText('dyn.example.com. 3600 IN NS ns2.example.net.').waitFor();
    await screen.page.mouse.move(0, 0);
    await expectGoodLooks(screen.page);
    await screen.close();
  });

  it('the signatures look good, with the DS record to copy; and what is wrong with them', {
    timeout: 240_000,
  }, async () => {
    const [zone] = NAME_REPLIES['GET /v1/zones'].zones;
    const trouble = `Signatures of the zone '${zone!.zone}' expire soon, the first at 2026-12-03T04:12:00Z. They should have been renewed.`;
    const signing = { signatures: 3_618, expired: 0, troubles: [trouble], firstExpiration: '2026-12-03T04:12:00Z' };
    const replies = { ...NAME_REPLIES, 'GET /v1/zones': { zones: [{ ...zone!, signing }], remote: [] } };
    const screen = await openScreen(screens.browser, `${screens.url}#/zones/dyn.example.com.`, {
      prepare: (context) => useSampleData(context, () => replies),
    });
    await screen.page.getByText(trouble).waitFor();
    await expectGoodLooks(screen.page);
    await screen.page.getByRole('link', { name: 'Signatures', exact: true }).click();
    await screen.page.getByText('dyn.example.com. IN DS 47133 13 2 6B3F').waitFor();
    await screen.page.getByText(trouble).waitFor();
    await screen.page.getByText('in 16 days').waitFor();
    await expectGoodLooks(screen.page);
    await screen.close();
  });

  it('says of a zone without signatures how to sign it', async () => {
    await screens.with(`${ZONE}?tab=delegation`, { user: 'anna' }, async (page) => {
      await page.getByText('Not signed').waitFor();
      await page.getByText('set dnssec: true').waitFor();
    });
  });

  it('lists zones, opens one, and searches its records', async () => {
    await screens.with('/zones', { user: 'anna' }, async (page) => {
      await page.getByRole('link', { name: API_ZONE }).click();
      await page.getByRole('row', { name: new RegExp(`^home.${API_ZONE}`) }).waitFor();
      const own = page.getByRole('row', { name: new RegExp(`^ns1.${API_ZONE}`) });
      expect(await own.textContent()).toMatch(/in the configuration file: line \d+ of .*\.yml/);
      expect(await own.getByRole('button').count()).toBe(0);
      await page.getByLabel('Search names').fill('home');
      await own.waitFor({ state: 'detached' });
      await page.getByRole('row', { name: new RegExp(`^home.${API_ZONE}`) }).waitFor();
    });
  });

  it('adds records after a preview, edits them, and removes them', async () => {
    const name = `www.${API_ZONE}`;
    const rrset = async () =>
      (await screens.lab.operate('listRRsets', { zone: API_ZONE, name })).rrsets.map(({ records }) => records);
    await screens.with(ZONE, { user: 'anna' }, async (page) => {
      await page.getByRole('button', { name: 'Add records' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill(name);
      await dialog.getByLabel('Type').selectOption('TXT');
      await dialog.getByLabel('Values').fill('"one"\n"two"');
      await dialog.getByRole('button', { name: 'Preview' }).click();
      await dialog.getByText('"two"').waitFor();
      expect(await rrset()).toEqual([]);
      await dialog.getByRole('button', { name: 'Save' }).click();
      const row = page.getByRole('row', { name: new RegExp(`^${name}`) });
      await row.waitFor();
      expect(await rrset()).toEqual([['"one"', '"two"']]);
      await row.getByRole('button').click();
      await dialog.getByLabel('Values').fill('"one"');
      await dialog.getByRole('button', { name: 'Preview' }).click();
      expect(await dialog.locator('.difference-old').textContent()).toContain('"two"');
      await dialog.getByRole('button', { name: 'Change the entry' }).click();
      await dialog.getByLabel('Values').fill('');
      await dialog.getByRole('button', { name: 'Preview' }).click();
      await dialog.getByRole('button', { name: 'Remove them' }).click();
      await row.waitFor({ state: 'detached' });
      expect(await rrset()).toEqual([]);
    });
  });

  it('says what is wrong with a value', async () => {
    await screens.with(ZONE, { user: 'anna', expected: [/400/] }, async (page) => {
      await page.getByRole('button', { name: 'Add records' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill(`www.${API_ZONE}`);
      await dialog.getByLabel('Values').fill('no address');
      await dialog.getByRole('button', { name: 'Preview' }).click();
      expect(await dialog.getByRole('alert').textContent()).toContain('This is not the RDATA of A');
    });
  });

  it('imports a file after showing what it would do', async () => {
    await screens.with(`${ZONE}?tab=file`, { user: 'anna' }, async (page) => {
      const buffer = Buffer.from(`$ORIGIN ${API_ZONE}.\nimported 60 IN A 192.0.2.50\n`);
      await page.getByLabel('Zone file').setInputFiles({ name: 'x.zone', mimeType: 'text/dns', buffer });
      await page.getByRole('button', { name: 'Preview' }).click();
      await page.getByText('Added').waitFor();
      await page.getByRole('button', { name: 'Import', exact: true }).click();
      await page.getByText(/^Imported\. The zone has version/).waitFor();
      const found = await screens.lab.operate('listRRsets', { zone: API_ZONE, name: `imported.${API_ZONE}` });
      expect(found.rrsets[0]?.records).toEqual(['192.0.2.50']);
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Download the zone file' }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(`${API_ZONE}.zone`);
    });
  });

  it('is for administrators alone', async () => {
    await screens.with('/zones', { user: 'ben' }, async (page) => {
      await page.getByRole('heading', { name: 'Not found' }).waitFor();
      expect(await page.getByRole('link', { name: 'Zones' }).count()).toBe(0);
    });
  });
});
