/** Prints its environment and title as JSON. Uses nothing of tsmpi. */

console.log(JSON.stringify({ ...process.env, title: process.title }));
