#!/bin/busybox sh
# guest-init.sh: first process of a guest: loads modules, puts a layer of memory over the machine's read-only file system and
# goes on there with guest-loop.sh.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in virtio_pci virtio_console virtio_net 9pnet_virtio 9p overlay dummy sch_netem rdma_ucm ib_uverbs \
  crc32_generic rdma_rxe crc32c_generic siw; do
  modprobe "$module" || echo "guest: no module $module"
done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host
mount -t tmpfs memory /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay root -o lowerdir=/host,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root || poweroff -f
mount -t proc proc proc
mount -t sysfs sys sys
mount --bind /dev dev
mkdir -p dev/shm dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t devpts pts dev/pts
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 run run
cp /loop run/loop
chroot . /bin/bash /run/loop
poweroff -f
