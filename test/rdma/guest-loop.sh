#!/bin/bash
# guest-loop.sh: sets up networks and the RDMA device (the kernel was told `rdma=rxe|siw` and, of two joined guests,
# `host=1|2`), then runs commands, one line each (number and base64), that come by the
# virtio port from test-guest.ts, and answers with what they print and a mark that holds number and exit status. When the
# port's other end is gone the loop ends, and with it the guest.
option() { sed -n "s/.*\b$1=\([a-z0-9.]*\).*/\1/p" /proc/cmdline; }
kind=$(option rdma)
number=$(option host)
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
ulimit -l unlimited
hostname "node${number:-1}"
printf '127.0.0.1 localhost\n10.78.0.1 node1\n10.78.0.2 node2\n' >/etc/hosts
[ -n "$number" ] || echo '10.77.0.1 node1' >>/etc/hosts
ip link set lo up
if [ -n "$number" ]; then
  # The agents' network, and one that the RDMA device has for itself.
  ip addr add "10.78.0.$number/24" dev eth0
  ip link set eth0 up
  device=eth1
else
  device=dummy0
  [ -e /sys/class/net/dummy0 ] || ip link add dummy0 type dummy
  ip link set dummy0 mtu 4200
fi
ip addr add "10.77.0.${number:-1}/24" dev "$device"
ip link set "$device" up
cat >/run/use-device <<EOF
# use-device rxe|siw: have that device alone.
for link in \$(ls /sys/class/infiniband); do rdma link delete "\$link"; done
rdma link add "\${1}0" type "\$1" netdev $device
for _ in {1..100}; do
  [ -e /dev/infiniband/uverbs0 ] && [ -e /dev/infiniband/rdma_cm ] && [ -e "/sys/class/infiniband/\${1}0/ports/1/gids/0" ] && exit
  sleep 0.1
done
exit 1
EOF
bash /run/use-device "$kind"
port=$(ls /dev/vport*p* | head -1)
exec 3<>"$port"
exec > >(exec cat >&3) 2>&1
printf '\036ready %s\036' "$(cut -d' ' -f1 /proc/uptime)"
while read -r id command <&3; do
  bash -c "$(base64 -d <<<"$command")" </dev/null 3>&-
  printf '\036%s %s\036' "$id" "$?"
done
