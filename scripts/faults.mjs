/**
 * `npm run faults [-- ROUNDS [SEED]]`: builds, then ends the embedded nameserver with SIGKILL under load, 200 times by default, and
 * checks each time that no acknowledged change was lost (bench/kill-campaign.mjs). `npm run faults -- reload [ROUNDS [SEED]]`: sends
 * SIGHUP in bursts and during starts, and checks that the last file is in force (bench/reload-campaign.mjs).
 * `npm run faults -- signed [ROUNDS [SEED]]`: the same kills with a signed zone: no signature is made again after a start.
 * `npm run faults -- connections [CONNECTIONS [DESCRIPTORS]]`: leaves 1,000 connections behind, and checks that the server has its
 * descriptors back within 60 seconds, and that DNS, control socket and backup work meanwhile (bench/connection-campaign.mjs).
 * `npm run faults -- damage [CASES [SEED]]`: damages databases at random, 1,000 times by default, and checks that nothing is lost
 * without a message that says what to do (bench/damage-campaign.mjs).
 * `npm run faults -- servers [SECONDS] [bind,knot,powerdns]`: three servers on one PostgreSQL under load, while servers, PostgreSQL and
 * the primary are killed, restarted, frozen and upgraded (bench/servers-campaign.mjs).
 * `npm run faults -- readers [SECONDS [READERS [NAMES [SEED]]]]`: threads read a zone that changes; each answer must be whole
 * (bench/reader-campaign.mjs).
 */
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { build, install, root, run } from './prepare.mjs';

install();
build();
const [first, ...rest] = argv.slice(2);
if (first === 'reload') run(execPath, [join(root, 'bench', 'reload-campaign.mjs'), ...rest]);
else if (first === 'signed') run(execPath, [join(root, 'bench', 'kill-campaign.mjs'), ...rest, '--signed']);
else if (first === 'connections') run(execPath, [join(root, 'bench', 'connection-campaign.mjs'), ...rest]);
else if (first === 'damage') run(execPath, [join(root, 'bench', 'damage-campaign.mjs'), ...rest]);
else if (first === 'readers') run(execPath, [join(root, 'bench', 'reader-campaign.mjs'), ...rest]);
else if (first === 'servers') run(execPath, [join(root, 'bench', 'servers-campaign.mjs'), ...rest]);
else run(execPath, [join(root, 'bench', 'kill-campaign.mjs'), ...argv.slice(2)]);
