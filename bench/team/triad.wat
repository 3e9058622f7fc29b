;; a[k] = b[k] + s * c[k] for `count` float64, a multiple of eight; a, b and c are byte offsets.
(module
  (import "env" "memory" (memory 1 65536 shared))
  (func (export "triad") (param $a i32) (param $b i32) (param $c i32) (param $count i32) (param $s f64)
    (local $end i32)
    (local $factor v128)
    (local.set $factor (f64x2.splat (local.get $s)))
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $count) (i32.const 3))))
    (block $done
      (loop $eight
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (v128.store (local.get $a)
          (f64x2.add (v128.load (local.get $b)) (f64x2.mul (local.get $factor) (v128.load (local.get $c)))))
        (v128.store offset=16 (local.get $a)
          (f64x2.add (v128.load offset=16 (local.get $b)) (f64x2.mul (local.get $factor) (v128.load offset=16 (local.get $c)))))
        (v128.store offset=32 (local.get $a)
          (f64x2.add (v128.load offset=32 (local.get $b)) (f64x2.mul (local.get $factor) (v128.load offset=32 (local.get $c)))))
        (v128.store offset=48 (local.get $a)
          (f64x2.add (v128.load offset=48 (local.get $b)) (f64x2.mul (local.get $factor) (v128.load offset=48 (local.get $c)))))
        (local.set $a (i32.add (local.get $a) (i32.const 64)))
        (local.set $b (i32.add (local.get $b) (i32.const 64)))
        (local.set $c (i32.add (local.get $c) (i32.const 64)))
        (br $eight)))))
