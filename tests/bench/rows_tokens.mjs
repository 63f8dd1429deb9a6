// The rows of tokens: what slipway-api and Redis spend on a request with one, beside the same without, as `slipway dev`
// asks for none.
import { POLL_STEP, TRIGGER } from './record.mjs';
import { makePolledApp, measureWarm } from './rows_http.mjs';
import { Servers } from './servers.mjs';

const CONNECTIONS = 32;
const ASKS = { trigger: [TRIGGER, () => {}], 'poll of a step': [POLL_STEP, makePolledApp] };

function measure([ask, prepare], hasToken) {
  return ({ seconds }) => Servers.with('everysec', async (servers) => {
    const watched = await servers.startSlipway();
    await prepare(servers);
    const header = hasToken ? servers.makeToken('default') : '';
    const result = await measureWarm(servers, watched, CONNECTIONS, seconds, { ...ask, header });
    return { ...result, value: result.cpu_us['slipway-api'] + result.cpu_us.redis };
  });
}

export const cases = {};
export const rows = [];
for (const [name, ask] of Object.entries(ASKS)) {
  const ours = `${name} with a token`;
  cases[ours] = measure(ask, true);
  cases[`${ours}: without`] = measure(ask, false);
  rows.push({ name: `${ours}: slipway-api and Redis`, ours, peer: `${ours}: without`, against: 'none',
    unit: 'us of CPU' });
}
