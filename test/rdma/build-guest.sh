#!/usr/bin/env bash
# build-guest.sh: make the guest of the RDMA tests and print its folder, with vmlinux and initrd in it; or one line why not.
#
# The idea: Debian's own kernel with the modules of both software devices, in an initrd that goes on with this machine's file
# system. What Debian leaves out, soft-iWARP, is built from the source of the same kernel. Nothing is installed: packages are
# unpacked in a folder of their own. The folder's name holds the kernel's version and a hash of what makes the guest, it is
# renamed when it is whole, and a lock keeps two builds apart.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "$1" >&2; exit 1; }

image=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends:/ { print $2; exit }')
[ -n "$image" ] || fail 'apt knows no linux-image-amd64: run apt-get update'
version=${image#linux-image-}
key=$version-$(cat "$here"/build-guest.sh "$here"/guest-init.sh "$here"/guest-loop.sh | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tsmpi/rdma-guest
done=$cache/$key
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -w 600 9 || fail "another build of the guest has held $cache/lock for ten minutes"
[ ! -f "$done/initrd" ] || { echo "$done"; exit 0; }

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
fetch() { apt-get download -qq "$@" 2>err >&2 || fail "apt-get download $*: $(grep -m1 '^E:' err)"; }

fetch "$image"
dpkg-deb --fsys-tarfile linux-image-*.deb | tar xf - ./boot ./lib
modules=lib/modules/$version
# TCG boots an unpacked kernel in half the time; it begins at the image's xz stream.
at=$(grep -aobP -m1 '\xfd7zXZ\x00' "boot/vmlinuz-$version" | head -1 | cut -d: -f1) || true
if [ -n "$at" ]; then
  xz -dc --single-stream < <(tail -c "+$((at + 1))" "boot/vmlinuz-$version") >vmlinux
else
  cp "boot/vmlinuz-$version" vmlinux
fi

siw=kernel/drivers/infiniband/sw/siw
if ! ls "$modules/$siw"/siw.ko* >/dev/null 2>&1; then
  headers=linux-headers-$version
  # What the headers want of their own: the architecture's common part, kbuild.
  mapfile -t parts < <(apt-cache depends "$headers" | awk '/Depends: linux-(headers|kbuild)/ { print $2 }')
  source=linux-source-${version%%-*}
  apt-cache show "$source" >/dev/null 2>&1 || source=${source%.*}
  fetch "$headers" "${parts[@]}" "$source"
  for file in linux-headers-*.deb linux-kbuild-*.deb; do dpkg -x "$file" headers; done
  tree=$work/headers/usr/src/$headers
  sed -i "s#/usr/src/linux-headers#$work/headers/usr/src/linux-headers#g" "$tree/Makefile"
  dpkg-deb --fsys-tarfile linux-source-*.deb | tar xf - "./usr/src/$source.tar.xz"
  tar xJf "usr/src/$source.tar.xz" "$source/drivers/infiniband/sw/siw"
  make -C "$tree" "M=$work/$source/drivers/infiniband/sw/siw" CONFIG_RDMA_SIW=m modules >make.log 2>&1 ||
    fail "soft-iWARP does not build for $version: $(grep -m1 -i error make.log)"
  mkdir -p "$modules/$siw"
  strip --strip-debug -o "$modules/$siw/siw.ko" "$source/drivers/infiniband/sw/siw/siw.ko"
fi
depmod -b . "$version"

mkdir -p initrd.d/{bin,proc,sys,dev,host,mnt} "initrd.d/$modules" guest
cp "$(command -v busybox)" initrd.d/bin
cp "$here/guest-init.sh" initrd.d/init
cp "$here/guest-loop.sh" initrd.d/loop
chmod +x initrd.d/init initrd.d/loop
for module in virtio_pci virtio_net virtio_console 9p 9pnet_virtio overlay dummy sch_netem \
  rdma_ucm ib_uverbs rdma_rxe crc32_generic siw crc32c_generic; do
  modprobe -d . -S "$version" --show-depends "$module" | awk '/^insmod/ { print $2 }'
done | sort -u | while read -r file; do
  file=lib/modules/${file#*/lib/modules/}
  mkdir -p "initrd.d/$(dirname "$file")"
  cp "$file" "initrd.d/$file"
done
cp "$modules"/modules.{order,builtin,builtin.modinfo} "initrd.d/$modules"
depmod -b initrd.d "$version"
(cd initrd.d && find . | cpio -o -H newc --quiet | gzip -1) >guest/initrd
mv vmlinux guest/
# Guests of other kernels and of earlier versions of these scripts are of no use any more.
find "$cache" -mindepth 1 -maxdepth 1 -type d ! -path "$work" -mmin +1440 -exec rm -rf {} +
mv guest "$done"
echo "$done"
