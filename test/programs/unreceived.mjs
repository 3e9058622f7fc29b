/** Rank 0 sends what rank 1 never receives, and both end. */

import { world } from 'tsmpi';

if (world.rank === 0) world.send(new Float64Array(100_000), 1, 5);
