# Only for machines without Node's headers, where node-gyp fetches them; build.mjs says when. Flags as there.
{
  'targets': [
    {
      'target_name': 'tsmpi',
      'sources': [
        'src/addon.c',
        'src/argument.c',
        'src/copy.c',
        'src/exit.c',
        'src/file.c',
        'src/lifeline.c',
        'src/mates.c',
        'src/park.c',
        'src/process.c',
        'src/reduce.c',
        'src/reference.c',
        'src/segment.c',
        'src/socket.c',
        'src/thread.c',
        'src/watch.c',
      ],
      'defines': ['_GNU_SOURCE', 'NAPI_VERSION=9'],
      'cflags': ['-std=c11', '-O3', '-fvisibility=hidden', '-ffp-contract=off', '-Wall', '-Wextra', '-pthread'],
      'ldflags': ['-pthread', '-Wl,-z,nodelete'],
    },
  ],
}
