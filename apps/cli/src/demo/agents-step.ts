import { studySchema } from '@tributary/protocol/http';
import type { Recipe } from '@tributary/protocol/recipe';
import type { RunningCoordinator } from '../processes/coordinator-process.js';
import { enrolAgent, launchAgent, untilConnected, type SiteAgent } from '../processes/site-agents.js';
import type { DemoSession } from './demo-session.js';
import type { SiteImages } from './phantom-step.js';

export const STUDY_ID = 'phantom-brain';

/** Makes the study, and enrols, approves and starts one agent a site: own process, folder, key and policy. */
export async function startAgents(
  session: DemoSession,
  coordinator: RunningCoordinator,
  { sites, recipe }: { readonly sites: readonly SiteImages[]; readonly recipe: Recipe },
): Promise<void> {
  const { folder, options, context } = session;
  const { signal } = context.host;
  await createStudy(coordinator, recipe);
  for (const [index, site] of sites.entries()) {
    context.output.note(`Enrolling ${site.id} (${index + 1} of ${sites.length})`);
    const agent = agentOf(session, site);
    await enrolAgent(coordinator, agent, { studyId: STUDY_ID, recipe, sites: options.sites, signal });
    await session.adopt(launchAgent(agent, { logsDirectory: folder.of('logs'), detached: options.keep }));
  }
  await untilConnected(coordinator.api, sites.length, signal);
}

/** A study can be made before any site has its images: only the recipe's contract counts. */
async function createStudy({ api }: RunningCoordinator, recipe: Recipe): Promise<void> {
  const study = {
    id: STUDY_ID,
    title: 'Brain phantom of the demo',
    modality: 'MR',
    classes: recipe.classes,
    scarceClasses: recipe.evaluation.scarceClasses,
    image: recipe.image,
  };
  await api.post('/v1/studies', study, studySchema);
}

function agentOf({ folder }: DemoSession, site: SiteImages): SiteAgent {
  return { siteId: site.id, dataDirectory: folder.of('sites', site.id, 'agent'), imagesDirectory: site.directory };
}
