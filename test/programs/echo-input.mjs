/** Reads its standard input to the end and prints how much came, and the first line. Uses nothing of tsmpi. */

let text = '';
process.stdin.setEncoding('utf8');
for await (const part of process.stdin) text += part;
console.log(`rank ${process.env.TSMPI_RANK} read ${text.length}: ${text.split('\n')[0]}`);
