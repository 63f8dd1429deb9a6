// The rows of the table, and the cases that are measured for them: a file for each kind.
import * as counts from './rows_counts.mjs';
import * as http from './rows_http.mjs';
import * as macs from './rows_macs.mjs';
import * as queue from './rows_queue.mjs';
import * as scripts from './rows_scripts.mjs';
import * as size from './rows_size.mjs';
import * as tenants from './rows_tenants.mjs';
import * as tokens from './rows_tokens.mjs';

const kinds = [http, queue, size, counts, scripts, tokens, tenants, macs];
export const rows = kinds.flatMap((kind) => kind.rows);
export const cases = Object.assign({}, ...kinds.map((kind) => kind.cases));
