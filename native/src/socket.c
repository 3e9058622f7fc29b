/*
 * TCP sockets that the rank itself polls, and what a sleep watches besides the doorbell: epoll descriptors and timers.
 *
 * Nothing here ever blocks: every socket is O_NONBLOCK and a call that would wait returns -EAGAIN. A connection's small
 * messages leave at once (TCP_NODELAY); buffers are left to the kernel, whose own sizing goes beyond what may be asked for.
 * send and receive are on the path of every message between hosts: no allocation, one Node-API call per argument.
 *
 * Addresses are numbers, IPv4 or IPv6 (with a scope, fe80::1%eth0), never names: looking one up would wait.
 */

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "addon.h"
#include "argument.h"

/* Connections that the kernel holds for a rank that computes. */
static const int kBacklog = 1024;
/* Longest numeric address with a scope. */
enum { kHostCapacity = 128, kMaxReady = 64 };

/* Read host and port. False with an exception pending, or with *error set to a negative errno. */
static bool read_address(napi_env env, napi_value host, napi_value port, struct sockaddr_storage *address, socklen_t *length,
                         int *error) {
  char text[kHostCapacity], service[16];
  int32_t number;
  *error = 0;
  if (!read_host_and_port(env, host, port, text, sizeof text, &number)) return false;
  snprintf(service, sizeof service, "%d", (int)number);
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(text, service, &hints, &found) != 0) {
    *error = -EINVAL;
    return false;
  }
  memcpy(address, found->ai_addr, found->ai_addrlen);
  *length = found->ai_addrlen;
  freeaddrinfo(found);
  return true;
}

/* Close after a failed call and return its errno, negative. */
static napi_value fail(napi_env env, int fd) {
  int error = errno;
  close(fd);
  return make_int32(env, -error);
}

static int open_stream(int family) {
  return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
}

static const int kOn = 1;

static napi_value listen_tcp(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  struct sockaddr_storage address;
  socklen_t length;
  int error;
  if (!read_address(env, arguments[0], arguments[1], &address, &length, &error)) {
    return error == 0 ? NULL : make_int32(env, error);
  }
  int fd = open_stream(address.ss_family);
  if (fd < 0) return make_int32(env, -errno);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
  /* So that 0.0.0.0 and :: can be listened on side by side, with one port. */
  if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &kOn, sizeof kOn);
  if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, kBacklog) != 0) return fail(env, fd);
  return make_int32(env, fd);
}

static napi_value accept_tcp(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t listener;
  if (!read_int32(env, arguments[0], "listener", &listener)) return NULL;
  int fd;
  do fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return make_int32(env, -errno);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  return make_int32(env, fd);
}

static napi_value connect_tcp(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  struct sockaddr_storage address;
  socklen_t length;
  int error;
  if (!read_address(env, arguments[0], arguments[1], &address, &length, &error)) {
    return error == 0 ? NULL : make_int32(env, error);
  }
  int fd = open_stream(address.ss_family);
  if (fd < 0) return make_int32(env, -errno);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
  if (connect(fd, (struct sockaddr *)&address, length) != 0 && errno != EINPROGRESS && errno != EINTR) return fail(env, fd);
  return make_int32(env, fd);
}

/* Probes that must stay without an answer before a connection counts as lost. */
#define kProbes 5

static napi_value keep_alive(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  int32_t fd, silence_ms;
  if (!read_int32(env, arguments[0], "fd", &fd) || !read_int32(env, arguments[1], "silenceMs", &silence_ms)) return NULL;
  /* Seconds, 1 at least: the probes together take the whole silence, so that a shorter one loses nothing. */
  int idle = silence_ms / 2000 > 0 ? silence_ms / 2000 : 1;
  int interval = (silence_ms + kProbes * 1000 - 1) / (kProbes * 1000);
  int count = kProbes;
  if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle) != 0 ||
      setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval) != 0 ||
      setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &kOn, sizeof kOn) != 0) {
    return make_int32(env, -errno);
  }
  return make_int32(env, 0);
}

static napi_value connect_outcome(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t fd;
  if (!read_int32(env, arguments[0], "fd", &fd)) return NULL;
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return make_int32(env, -errno);
  if (error != 0) return make_int32(env, -error);
  struct sockaddr_storage peer;
  socklen_t peer_length = sizeof peer;
  if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) == 0) return make_int32(env, 0);
  return make_int32(env, errno == ENOTCONN ? -EINPROGRESS : -errno);
}

static napi_value send_bytes(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(4);
  int32_t fd;
  struct bytes data;
  uint64_t offset, byte_length;
  if (!read_int32(env, arguments[0], "fd", &fd) || !read_bytes(env, arguments[1], "data", &data) ||
      !read_count(env, arguments[2], "offset", &offset) || !read_count(env, arguments[3], "byteLength", &byte_length) ||
      !check_range(env, &data, "data", offset, byte_length)) {
    return NULL;
  }
  ssize_t count;
  do count = send(fd, data.start + offset, byte_length, MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return make_outcome(env, count);
}

static napi_value send_two(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(7);
  int32_t fd;
  struct bytes head, data;
  uint64_t head_offset, head_length, offset, byte_length;
  if (!read_int32(env, arguments[0], "fd", &fd) || !read_bytes(env, arguments[1], "head", &head) ||
      !read_count(env, arguments[2], "headOffset", &head_offset) || !read_count(env, arguments[3], "headLength", &head_length) ||
      !read_bytes(env, arguments[4], "data", &data) || !read_count(env, arguments[5], "offset", &offset) ||
      !read_count(env, arguments[6], "byteLength", &byte_length) ||
      !check_range(env, &head, "head", head_offset, head_length) || !check_range(env, &data, "data", offset, byte_length)) {
    return NULL;
  }
  struct iovec parts[2] = {{.iov_base = head.start + head_offset, .iov_len = head_length},
                           {.iov_base = data.start + offset, .iov_len = byte_length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t count;
  do count = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (count < 0 && errno == EINTR);
  return make_outcome(env, count);
}

static napi_value receive(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(4);
  int32_t fd;
  struct bytes into;
  uint64_t offset, byte_length;
  if (!read_int32(env, arguments[0], "fd", &fd) || !read_bytes(env, arguments[1], "into", &into) ||
      !read_count(env, arguments[2], "offset", &offset) || !read_count(env, arguments[3], "byteLength", &byte_length) ||
      !check_range(env, &into, "into", offset, byte_length)) {
    return NULL;
  }
  ssize_t count;
  do count = recv(fd, into.start + offset, byte_length, 0);
  while (count < 0 && errno == EINTR);
  return make_outcome(env, count);
}

static napi_value shutdown_send(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t fd;
  if (!read_int32(env, arguments[0], "fd", &fd)) return NULL;
  return make_outcome(env, shutdown(fd, SHUT_WR));
}

static napi_value unanswered_ms(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t fd;
  if (!read_int32(env, arguments[0], "fd", &fd)) return NULL;
  struct tcp_info state;
  socklen_t length = sizeof state;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &length) != 0) return make_int32(env, -errno);
  /* A peer that has no room acknowledges that it has none: nothing of what was sent is open then. */
  return make_int32(env, state.tcpi_unacked == 0 ? 0 : (int32_t)(state.tcpi_last_ack_recv & 0x7fffffff));
}

static napi_value unacknowledged(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(1);
  int32_t fd;
  if (!read_int32(env, arguments[0], "fd", &fd)) return NULL;
  int byte_length = 0;
  if (ioctl(fd, SIOCOUTQ, &byte_length) != 0) return make_int32(env, -errno);
  return make_int32(env, byte_length);
}

static napi_value socket_address(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  int32_t fd;
  bool is_peer;
  if (!read_int32(env, arguments[0], "fd", &fd) || !read_boolean(env, arguments[1], "isPeer", &is_peer)) return NULL;
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  int outcome = is_peer ? getpeername(fd, (struct sockaddr *)&address, &length)
                        : getsockname(fd, (struct sockaddr *)&address, &length);
  if (outcome != 0) return make_int32(env, -errno);
  char host[kHostCapacity], service[16];
  if (getnameinfo((struct sockaddr *)&address, length, host, sizeof host, service, sizeof service,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return make_int32(env, -EAFNOSUPPORT);
  }
  int port = 0;
  sscanf(service, "%d", &port);
  napi_value pair = NULL, text;
  napi_create_array_with_length(env, 2, &pair);
  napi_create_string_utf8(env, host, NAPI_AUTO_LENGTH, &text);
  napi_set_element(env, pair, 0, text);
  napi_set_element(env, pair, 1, make_int32(env, port));
  return pair;
}

/* Watch a descriptor in an epoll descriptor: add it, change what for, or (0) take it out. */
static napi_value watch_descriptor(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(3);
  int32_t epoll, fd, interest;
  if (!read_int32(env, arguments[0], "epoll", &epoll) || !read_int32(env, arguments[1], "fd", &fd) ||
      !read_int32(env, arguments[2], "interest", &interest)) {
    return NULL;
  }
  struct epoll_event event = {.events = (uint32_t)interest & (EPOLLIN | EPOLLOUT), .data.fd = fd};
  if (interest == 0) return make_outcome(env, epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event));
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0) return make_int32(env, 0);
  if (errno != ENOENT) return make_int32(env, -errno);
  return make_outcome(env, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static napi_value list_ready(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  int32_t epoll;
  struct bytes into;
  if (!read_int32(env, arguments[0], "epoll", &epoll) || !read_bytes(env, arguments[1], "into", &into)) return NULL;
  struct epoll_event events[kMaxReady];
  uint64_t room = into.length / (2 * sizeof(int32_t));
  if (room == 0) return make_int32(env, 0);
  int count = epoll_wait(epoll, events, room < kMaxReady ? (int)room : kMaxReady, 0);
  if (count < 0) return make_int32(env, errno == EINTR ? 0 : -errno);
  int32_t *pairs = (int32_t *)(void *)into.start;
  for (int index = 0; index < count; index++) {
    /* Errors and hang-ups are found by whoever reads or writes. */
    uint32_t seen = events[index].events;
    if ((seen & (EPOLLERR | EPOLLHUP)) != 0) seen |= EPOLLIN | EPOLLOUT;
    pairs[2 * index] = events[index].data.fd;
    pairs[2 * index + 1] = (int32_t)(seen & (EPOLLIN | EPOLLOUT));
  }
  return make_int32(env, count);
}

static napi_value create_timer(napi_env env, napi_callback_info info) {
  (void)info;
  return make_outcome(env, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

static napi_value set_timer(napi_env env, napi_callback_info info) {
  READ_ARGUMENTS(2);
  int32_t timer, after_ms;
  if (!read_int32(env, arguments[0], "timer", &timer) || !read_int32(env, arguments[1], "afterMs", &after_ms)) return NULL;
  struct itimerspec when = {0};
  /* All zero disarms it. Set anew it has not expired, so its descriptor is not readable any more. */
  if (after_ms == 0) when.it_value.tv_nsec = 1;
  else if (after_ms > 0) {
    when.it_value.tv_sec = after_ms / 1000;
    when.it_value.tv_nsec = (long)(after_ms % 1000) * 1000000;
  }
  return make_outcome(env, timerfd_settime(timer, 0, &when, NULL));
}

napi_status socket_register(napi_env env, napi_value exports) {
  addon_export(env, exports, "listenTcp", listen_tcp);
  addon_export(env, exports, "acceptTcp", accept_tcp);
  addon_export(env, exports, "connectTcp", connect_tcp);
  addon_export(env, exports, "keepAlive", keep_alive);
  addon_export(env, exports, "connectOutcome", connect_outcome);
  addon_export(env, exports, "send", send_bytes);
  addon_export(env, exports, "sendTwo", send_two);
  addon_export(env, exports, "receive", receive);
  addon_export(env, exports, "shutdownSend", shutdown_send);
  addon_export(env, exports, "unacknowledged", unacknowledged);
  addon_export(env, exports, "unansweredMs", unanswered_ms);
  addon_export(env, exports, "socketAddress", socket_address);
  addon_export(env, exports, "watchDescriptor", watch_descriptor);
  addon_export(env, exports, "listReady", list_ready);
  addon_export(env, exports, "createTimer", create_timer);
  return addon_export(env, exports, "setTimer", set_timer);
}
