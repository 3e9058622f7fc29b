/**
 * The secret that a launcher shares with agents that wait for it: in a file, or in a variable that a platform's settings
 * of a task make. Whoever knows it may start programs here, so there is no default.
 */

import { readFileSync, statSync } from 'node:fs';

/** Holds the secret itself; taken out of the environment, so that ranks do not see it. */
const SECRET_VARIABLE = 'TSMPI_AGENT_SECRET';
/** Shorter ones could be guessed. */
const MIN_LENGTH = 16;

/** Take the secret from that file, else from the variable, which goes out of `env`. Throws in words. */
export function takeSecret(file: string | undefined, env: NodeJS.ProcessEnv): Buffer {
  const fromVariable = env[SECRET_VARIABLE] || undefined;
  delete env[SECRET_VARIABLE];
  const text = file === undefined ? fromVariable : readSecretFile(file);
  const how = `--secret-file FILE or ${SECRET_VARIABLE}, with the same secret for agents and launcher`;
  if (text === undefined) throw new Error(`agents that wait need a secret: expected ${how}`);
  const secret = Buffer.from(text.trim());
  if (secret.byteLength >= MIN_LENGTH) return secret;
  const where = file ?? SECRET_VARIABLE;
  throw new Error(
    `the secret in ${where} has ${secret.byteLength} bytes: expected ${MIN_LENGTH} at least, as by: head -c 32 /dev/urandom | base64`,
  );
}

function readSecretFile(file: string): string {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(file, 'utf8');
    ({ mode } = statSync(file));
  } catch (error) {
    throw new Error(`--secret-file cannot be read: ${(error as Error).message}`);
  }
  if ((mode & 0o007) === 0 || process.platform === 'win32') return text;
  throw new Error(`--secret-file ${file} is open to everybody (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`);
}
