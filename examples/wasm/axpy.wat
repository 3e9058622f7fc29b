;; y[k] += a * x[k] for `count` float64 each, two at a time; x and y are byte offsets. What clang makes of the loop in C with
;; -O2 -msimd128 -mthreads looks alike, but for its names.
(module
  (import "env" "memory" (memory 1 65536 shared))
  (func (export "axpy") (param $x i32) (param $y i32) (param $count i32) (param $a f64)
    (local $end i32)
    (local $factor v128)
    (local.set $factor (f64x2.splat (local.get $a)))
    (local.set $end (i32.add (local.get $x) (i32.shl (i32.and (local.get $count) (i32.const -2)) (i32.const 3))))
    (block $done
      (loop $pairs
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (v128.store (local.get $y)
          (f64x2.add
            (v128.load (local.get $y))
            (f64x2.mul (local.get $factor) (v128.load (local.get $x)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (br $pairs)))
    ;; The odd one.
    (if (i32.and (local.get $count) (i32.const 1))
      (then
        (f64.store (local.get $y)
          (f64.add
            (f64.load (local.get $y))
            (f64.mul (local.get $a) (f64.load (local.get $x)))))))))
