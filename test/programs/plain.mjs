/** A program that never uses tsmpi. */

console.log(`plain ${process.argv.slice(2).join(' ')}`);
