import type { Command } from 'commander';
import type { Attach } from '../program.js';
import { withExample } from './example.js';

/** Lets hospitals in and out. */
export function defineSiteCommands(program: Command, attach: Attach): void {
  const site = program.command('site').description('Hospitals of the consortium, as the admin sees them.');

  const invite = site
    .command('invite <name>')
    .description('Prints one one-time token with which the hospital enrols.')
    .requiredOption('--study <id>', 'the study that the site joins');
  withExample(invite, 'tributary site invite north-hospital --study brain-mri');
  attach(invite, async () => (await import('../sites/site-verbs.js')).inviteSite);

  const list = site.command('list').description('All sites with their state.');
  withExample(list, 'tributary site list');
  attach(list, async () => (await import('../sites/site-verbs.js')).listSites);

  const show = site.command('show <id>').description('One site with its fingerprint.');
  withExample(show, 'tributary site show north-hospital');
  attach(show, async () => (await import('../sites/site-verbs.js')).showSite);

  const approve = site
    .command('approve <id>')
    .description('Lets a site in after its fingerprint was compared, by telephone for instance.')
    .requiredOption('--fingerprint <fingerprint>', 'what the site read out: SHA256:…');
  withExample(approve, 'tributary site approve north-hospital --fingerprint SHA256:mVPw…');
  attach(approve, async () => (await import('../sites/site-verbs.js')).approveSite);

  const hours = site
    .command('hours <id>')
    .description('Hours of the site’s clock in which it is asked to train; without any: at all times.')
    .option('--from <time>', 'as 20:00')
    .option('--until <time>', 'as 06:00; hours may pass midnight')
    .option('--time-zone <name>', 'IANA name, as Europe/Berlin');
  withExample(hours, 'tributary site hours north-hospital --from 20:00 --until 06:00 --time-zone Europe/Berlin');
  attach(hours, async () => (await import('../sites/site-verbs.js')).setSiteHours);

  const revoke = site.command('revoke <id>').description('Shuts a site out at once.');
  withExample(revoke, 'tributary site revoke north-hospital');
  attach(revoke, async () => (await import('../sites/site-verbs.js')).revokeSite);
}
