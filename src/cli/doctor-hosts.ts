/**
 * tsmpi doctor --host: whether jobs over these hosts would run: each is logged in to, examined by a probe of its own
 * (doctor-probe.ts), and connected with this host and all others in both directions.
 */

import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ownAddresses } from '../agent/dial.ts';
import { VERSION } from '../base/version.ts';
import type { ListedHost } from '../launcher/hosts/host-list.ts';
import { findFault, sshCommand } from '../launcher/starter/ssh.ts';
import type { Finding } from './doctor.ts';
import { type Listening, listen, PROBE_SAYS, type ProbeAnswer, type ProbeRequest, reach } from './doctor-probe.ts';

/** How long a login and each answer of a probe may take. */
const LOGIN_MS = 30_000;
const ANSWER_MS = 10_000;
/** Round trips by which a clock is compared; the shortest one counts. */
const CLOCK_TRIES = 5;
/** Clocks further apart confuse whoever compares files and logs of several hosts. */
const CLOCK_LIMIT_MS = 1000;

/** A finding about one of the hosts. */
export interface HostFinding extends Finding {
  readonly host: string;
}

export interface HostsPlan {
  readonly hosts: readonly ListedHost[];
  readonly rsh: readonly string[] | undefined;
  readonly ports: readonly [first: number, last: number] | undefined;
}

type Hello = Extract<ProbeAnswer, { kind: 'hello' }>;

/** What ssh prints when it fails, and how that is mended; the first that fits. */
const LOGIN_ADVICE: readonly [RegExp, (host: string) => string][] = [
  [/permission denied/i, (host) => `ssh must log in without a question: ssh-copy-id ${host}, or load your key with ssh-add`],
  [/host key verification failed/i, (host) => `its key is not known: log in once by hand (ssh ${host}) and compare the key`],
  [/resolve hostname|not known/i, () => 'the name is not known: correct it, or name the host in ~/.ssh/config or /etc/hosts'],
  [/refused|timed out|no route/i, () => 'no sshd answers there: start it, or name another port in ~/.ssh/config or by --rsh'],
];

/** Examine those hosts, this one (`local`, an index; -1: not among them) by `own` findings. */
export async function examineHosts(plan: HostsPlan, local: number, own: () => Finding[]): Promise<HostFinding[]> {
  const listener = await listen(plan.ports).catch((error: Error) => error);
  const probes: Probe[] = [];
  const findings: HostFinding[] = [];
  const add = (host: string, found: readonly Finding[]): void => {
    findings.push(...found.map((finding) => ({ host, ...finding })));
  };
  if (listener instanceof Error) add(hostname(), [noPort(listener.message)]);
  try {
    await Promise.all(
      plan.hosts.map(async (host, index) => {
        if (index === local) return add(host.name, own());
        const probe = new Probe(host, plan);
        probes.push(probe);
        add(host.name, await probe.examine());
      }),
    );
    const there = probes.filter((probe) => probe.hello !== undefined);
    if (!(listener instanceof Error))
      await Promise.all(there.map(async (probe) => add(probe.name, await probe.connect(listener, there))));
  } finally {
    if (!(listener instanceof Error)) listener.server.close();
    await Promise.all(probes.map((probe) => probe.end()));
  }
  const order = plan.hosts.map(({ name }) => name);
  return findings.sort((a, b) => order.indexOf(a.host) - order.indexOf(b.host));
}

function noPort(reason: string): Finding {
  return { state: 'fail', what: `no port to listen on: ${reason}`, advice: 'name a wider range by --ports, or ports above 1023' };
}

/** One host and the probe there. */
class Probe {
  readonly name: string;
  hello: Hello | undefined;
  readonly #target: string;
  readonly #command: readonly string[];
  readonly #child: ReturnType<typeof spawn>;
  readonly #ended: Promise<number | null>;
  readonly #answers: ProbeAnswer[] = [];
  readonly #output: string[] = [];
  #onAnswer: () => void = () => {};
  #isOver = false;

  constructor(host: ListedHost, { rsh, ports }: HostsPlan) {
    this.name = host.name;
    this.#target = host.user === undefined ? host.name : `${host.user}@${host.name}`;
    const entry = fileURLToPath(new URL('./tsmpi.js', import.meta.url));
    this.#command = [process.execPath, entry];
    const probe = [...this.#command, 'doctor', '--probe', ...(ports === undefined ? [] : ['--ports', ports.join('-')])];
    const [file, ...args] = sshCommand(host, probe, rsh);
    this.#child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin!.on('error', () => {}); // it has ended, which `ended` tells
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#onLine(line));
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.#output.push(line));
    this.#ended = new Promise((resolve) => {
      const settle = (code: number | null): void => {
        this.#isOver = true;
        this.#onAnswer();
        resolve(code);
      };
      this.#child.once('error', (error) => {
        this.#output.push(error.message);
        settle(null);
      });
      this.#child.once('close', settle);
    });
  }

  /** Log in and have the host examined. */
  async examine(): Promise<Finding[]> {
    const hello = await this.#next(LOGIN_MS);
    if (hello?.kind !== 'hello') return [await this.#failure()];
    const findings: Finding[] = [{ state: 'ok', what: 'a login without a question', advice: '' }];
    if (hello.version === VERSION) findings.push({ state: 'ok', what: `tsmpi ${VERSION}`, advice: '' });
    else {
      const advice = `here it is ${VERSION}: install the same version on both, at ${this.#command[1]}`;
      findings.push({ state: 'fail', what: `tsmpi ${hello.version}`, advice });
    }
    this.hello = hello;
    return [...findings, ...hello.findings, await this.#compareClock()];
  }

  /** Try connections from there to this host and to all others, and from here to there. */
  async connect(here: Listening, others: readonly Probe[]): Promise<Finding[]> {
    const { listening, addresses, caller } = this.hello!;
    if ('failure' in listening) return [noPort(listening.failure)];
    const findings: Finding[] = [];
    const note = (way: string, failure: string, meaning: string): void => {
      const advice = `${meaning}: open these ports in the firewalls between (--ports FIRST-LAST chooses them), or choose another network by --iface`;
      if (failure === '') findings.push({ state: 'ok', what: `connections ${way}`, advice: '' });
      else findings.push({ state: 'fail', what: `no connection ${way} (${failure})`, advice });
    };
    const back = [...new Set([caller, ...ownAddresses()])].filter((address) => address !== '');
    const peers = others.filter((other) => other !== this && 'port' in other.hello!.listening);
    this.#send({
      kind: 'connect',
      targets: [
        { addresses: back, port: here.port, token: here.token },
        ...peers.map(({ hello }) => ({ ...(hello!.listening as Listening), addresses: hello!.addresses })),
      ],
    });
    const [answer, there] = await Promise.all([this.#next(ANSWER_MS), reach({ ...listening, addresses })]);
    const failures = answer?.kind === 'connect' ? answer.failures : [];
    note('from there to this host', failures[0] ?? 'the probe there is gone', 'agents dial back to the launcher');
    note('from this host to there', there, 'ranks of the two hosts cannot talk');
    for (const [index, { name }] of peers.entries()) {
      note(`from there to ${name}`, failures[index + 1] ?? 'the probe there is gone', 'ranks of the two hosts cannot talk');
    }
    return findings;
  }

  /** End the probe; resolve when nothing of it is left here. */
  async end(): Promise<void> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 1000);
    await this.#ended;
    clearTimeout(timer);
  }

  async #compareClock(): Promise<Finding> {
    let best = { roundTripMs: Infinity, offsetMs: 0 };
    for (let turn = 0; turn < CLOCK_TRIES; turn++) {
      const sentMs = Date.now();
      this.#send({ kind: 'clock' });
      const answer = await this.#next(ANSWER_MS);
      if (answer?.kind !== 'clock') return { state: 'fail', what: 'no answer about its clock', advice: 'look at that host' };
      const roundTripMs = Date.now() - sentMs;
      if (roundTripMs < best.roundTripMs) best = { roundTripMs, offsetMs: answer.nowMs - sentMs - roundTripMs / 2 };
    }
    const { offsetMs, roundTripMs } = best;
    const what = `its clock is ${(Math.abs(offsetMs) / 1000).toFixed(2)} s ${offsetMs < 0 ? 'behind' : 'ahead'}`;
    if (Math.abs(offsetMs) <= CLOCK_LIMIT_MS + roundTripMs) return { state: 'ok', what, advice: '' };
    return { state: 'warn', what, advice: 'times of files and logs cannot be compared: run chrony or another NTP client there' };
  }

  /** Why there was no hello. */
  async #failure(): Promise<Finding> {
    if (!this.#isOver) {
      this.#child.kill('SIGKILL');
      const advice = `see what it waits for: ssh ${this.#target} true`;
      return { state: 'fail', what: `no answer within ${LOGIN_MS / 1000} s`, advice };
    }
    const code = await this.#ended;
    const fault = findFault({ code, how: '', isOwn: true }, this.#output, this.#command);
    if (fault !== undefined) {
      return { state: 'fail', what: fault, advice: 'install it at the same path on every host, or share the folder it is in' };
    }
    const text = this.#output.filter((line) => line.trim() !== '').at(-1) ?? `the remote shell exited with code ${code}`;
    const advice = LOGIN_ADVICE.find(([pattern]) => pattern.test(text))?.[1](this.#target);
    if (code === 2) return { state: 'fail', what: `tsmpi there is of another version: ${text}`, advice: `install ${VERSION}` };
    return { state: 'fail', what: `no login: ${text}`, advice: advice ?? `try by hand: ssh ${this.#target} true` };
  }

  #send(request: ProbeRequest): void {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
  }

  #onLine(line: string): void {
    if (!line.startsWith(PROBE_SAYS)) {
      this.#output.push(line);
      return;
    }
    this.#answers.push(JSON.parse(line.slice(PROBE_SAYS.length)) as ProbeAnswer);
    this.#onAnswer();
  }

  /** The next answer; undefined: none came in that time, or the probe is gone. */
  async #next(limitMs: number): Promise<ProbeAnswer | undefined> {
    if (this.#answers.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        this.#onAnswer = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#answers.shift();
  }
}

/** Return the findings as text, host by host. */
export function formatHostFindings(findings: readonly HostFinding[]): string {
  const lines: string[] = [];
  let host: string | undefined;
  for (const { host: name, state, what, advice } of findings) {
    if (name !== host) lines.push(name);
    host = name;
    lines.push(`  ${state.padEnd(5)} ${what}${advice === '' ? '' : `\n        ${advice}`}`);
  }
  return lines.join('\n');
}
