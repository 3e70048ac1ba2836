// A node:http route behind Better Auth's API-key plugin on better-sqlite3. With a number as its argument it makes the
// database named by DB and prints the keys, one a line; else it serves on PORT. JOURNAL=wal is the tuned form.
// It runs from the folder in which the packages are installed.
import { createHash, randomBytes, randomInt } from 'node:crypto';
import http from 'node:http';
import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import Database from 'better-sqlite3';

const database = new Database(process.env.DB);
if (process.env.JOURNAL === 'wal') {
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
}
const auth = betterAuth({
  database,
  baseURL: 'http://127.0.0.1:1',
  secret: 'only for a benchmark, long enough to please it',
  emailAndPassword: { enabled: true },
  logger: { disabled: true },
  telemetry: { enabled: false },
  // Its own default lets a key be used ten times a day; the limit stays on, but high.
  plugins: [apiKey({ rateLimit: { enabled: true, timeWindow: 86_400_000, maxRequests: 1_000_000_000 } })],
});

async function fill(count) {
  await (await getMigrations(auth.options)).runMigrations();
  const { internalAdapter } = await auth.$context;
  const user = await internalAdapter.createUser({ email: 'bench@example.com', name: 'bench', emailVerified: true });
  const first = await auth.api.createApiKey({ body: { userId: user.id, name: 'first' } });
  // The library makes one key; the others are copies of its row with their own id and hash.
  const row = database.prepare('SELECT * FROM apikey').get();
  const names = Object.keys(row);
  const marks = names.map(() => '?').join(', ');
  const insert = database.prepare(`INSERT INTO apikey (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${marks})`);
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const keys = [first.key];
  database.transaction(() => {
    while (keys.length < count) {
      const key = Array.from({ length: 64 }, () => letters[randomInt(letters.length)]).join('');
      const own = { id: randomBytes(16).toString('hex'), key: createHash('sha256').update(key).digest('base64url'), start: key.slice(0, 6) };
      insert.run(names.map((name) => own[name] ?? row[name]));
      keys.push(key);
    }
  })();
  console.log(keys.join('\n'));
}

function serve() {
  const body = JSON.stringify({ id: 'thing_1', name: 'a thing', size: 3, tags: ['x'], ok: true });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const server = http.createServer(async (request, response) => {
    const key = request.headers['x-api-key'];
    const verdict = key ? await auth.api.verifyApiKey({ body: { key } }).catch(() => null) : { valid: false };
    if (verdict?.valid) response.writeHead(200, headers).end(body);
    else response.writeHead(verdict ? 401 : 500, { 'content-length': 0 }).end();
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(process.env.PORT), '127.0.0.1');
}

if (process.argv[2]) await fill(Number(process.argv[2]));
else serve();
