;; The loops that a step spends its time in, over fields of float64 in one memory. Addresses and strides are in bytes, and a
;; field's address is that of its cell (0, 0), inside the ring. kernels.ts calls them; kernels.wasm is this text assembled.
;; No operation is contracted or reordered: the same sums in TypeScript give the same bits.
(module
  (import "env" "memory" (memory 1 65536 shared))

  ;; Gauss-Seidel on every second cell: e = (west + east + south + north - b) * inverse. `odd` is 0 if the first cell of the
  ;; first row is one of them, else 1.
  (func (export "relax")
    (param $e i32) (param $b i32) (param $inverse i32) (param $stride i32) (param $nx i32) (param $ny i32) (param $odd i32)
    (local $j i32) (local $k i32) (local $end i32) (local $at i32)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $k (i32.add
          (i32.mul (local.get $j) (local.get $stride))
          (i32.shl (i32.and (i32.add (local.get $odd) (local.get $j)) (i32.const 1)) (i32.const 3))))
        (local.set $end (i32.add (i32.mul (local.get $j) (local.get $stride)) (i32.shl (local.get $nx) (i32.const 3))))
        (block $rowDone
          (loop $cells
            (br_if $rowDone (i32.ge_u (local.get $k) (local.get $end)))
            (local.set $at (i32.add (local.get $e) (local.get $k)))
            (f64.store (local.get $at)
              (f64.mul
                (f64.sub
                  (f64.add
                    (f64.add
                      (f64.add
                        (f64.load (i32.sub (local.get $at) (i32.const 8)))
                        (f64.load offset=8 (local.get $at)))
                      (f64.load (i32.sub (local.get $at) (local.get $stride))))
                    (f64.load (i32.add (local.get $at) (local.get $stride))))
                  (f64.load (i32.add (local.get $b) (local.get $k))))
                (f64.load (i32.add (local.get $inverse) (local.get $k)))))
            (local.set $k (i32.add (local.get $k) (i32.const 16)))
            (br $cells)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows))))

  ;; For each of nx x ny coarse cells: the residuals of its two red children, (0, 0) and (1, 1), into the coarse `into`. A
  ;; residual is b - (west + east + south + north - d * e).
  (func (export "restrict")
    (param $e i32) (param $b i32) (param $d i32) (param $stride i32)
    (param $into i32) (param $coarseStride i32) (param $nx i32) (param $ny i32)
    (local $i i32) (local $j i32) (local $k i32) (local $to i32) (local $at i32) (local $across i32) (local $atAcross i32)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $k (i32.shl (i32.mul (local.get $j) (local.get $stride)) (i32.const 1)))
        (local.set $to (i32.add (local.get $into) (i32.mul (local.get $j) (local.get $coarseStride))))
        (local.set $i (i32.const 0))
        (block $rowDone
          (loop $cells
            (br_if $rowDone (i32.ge_u (local.get $i) (local.get $nx)))
            (local.set $at (i32.add (local.get $e) (local.get $k)))
            (local.set $across (i32.add (i32.add (local.get $k) (local.get $stride)) (i32.const 8)))
            (local.set $atAcross (i32.add (local.get $e) (local.get $across)))
            (f64.store (local.get $to)
              (f64.add
                (f64.sub
                  (f64.load (i32.add (local.get $b) (local.get $k)))
                  (f64.sub
                    (f64.add
                      (f64.add
                        (f64.add (f64.load (i32.sub (local.get $at) (i32.const 8))) (f64.load offset=8 (local.get $at)))
                        (f64.load (i32.sub (local.get $at) (local.get $stride))))
                      (f64.load (i32.add (local.get $at) (local.get $stride))))
                    (f64.mul (f64.load (i32.add (local.get $d) (local.get $k))) (f64.load (local.get $at)))))
                (f64.sub
                  (f64.load (i32.add (local.get $b) (local.get $across)))
                  (f64.sub
                    (f64.add
                      (f64.add
                        (f64.add (f64.load (i32.sub (local.get $atAcross) (i32.const 8))) (f64.load offset=8 (local.get $atAcross)))
                        (f64.load (i32.sub (local.get $atAcross) (local.get $stride))))
                      (f64.load (i32.add (local.get $atAcross) (local.get $stride))))
                    (f64.mul (f64.load (i32.add (local.get $d) (local.get $across))) (f64.load (local.get $atAcross)))))))
            (local.set $k (i32.add (local.get $k) (i32.const 16)))
            (local.set $to (i32.add (local.get $to) (i32.const 8)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $cells)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows))))

  ;; For each of nx x ny coarse cells of `from`: add to its four children in the fine `e` a quarter of 2 * its own value, that of
  ;; its neighbour in x and that in y on the child's side.
  (func (export "prolong")
    (param $e i32) (param $stride i32) (param $from i32) (param $coarseStride i32) (param $nx i32) (param $ny i32)
    (local $i i32) (local $j i32) (local $at i32) (local $above i32) (local $m i32)
    (local $centre f64) (local $west f64) (local $east f64) (local $south f64) (local $north f64)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $at (i32.add (local.get $e) (i32.shl (i32.mul (local.get $j) (local.get $stride)) (i32.const 1))))
        (local.set $m (i32.add (local.get $from) (i32.mul (local.get $j) (local.get $coarseStride))))
        (local.set $i (i32.const 0))
        (block $rowDone
          (loop $cells
            (br_if $rowDone (i32.ge_u (local.get $i) (local.get $nx)))
            (local.set $centre (f64.mul (f64.const 2) (f64.load (local.get $m))))
            (local.set $west (f64.load (i32.sub (local.get $m) (i32.const 8))))
            (local.set $east (f64.load offset=8 (local.get $m)))
            (local.set $south (f64.load (i32.sub (local.get $m) (local.get $coarseStride))))
            (local.set $north (f64.load (i32.add (local.get $m) (local.get $coarseStride))))
            (f64.store (local.get $at)
              (f64.add
                (f64.load (local.get $at))
                (f64.mul (f64.const 0.25) (f64.add (f64.add (local.get $centre) (local.get $west)) (local.get $south)))))
            (f64.store offset=8 (local.get $at)
              (f64.add
                (f64.load offset=8 (local.get $at))
                (f64.mul (f64.const 0.25) (f64.add (f64.add (local.get $centre) (local.get $east)) (local.get $south)))))
            (local.set $above (i32.add (local.get $at) (local.get $stride)))
            (f64.store (local.get $above)
              (f64.add
                (f64.load (local.get $above))
                (f64.mul (f64.const 0.25) (f64.add (f64.add (local.get $centre) (local.get $west)) (local.get $north)))))
            (f64.store offset=8 (local.get $above)
              (f64.add
                (f64.load offset=8 (local.get $above))
                (f64.mul (f64.const 0.25) (f64.add (f64.add (local.get $centre) (local.get $east)) (local.get $north)))))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (local.set $m (i32.add (local.get $m) (i32.const 8)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $cells)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows))))

  ;; Over-relaxation on every second face: delta += omega * ((right + west*.. + east*.. + south*.. + north*..) * inverse - delta).
  ;; The coefficients west, east, south, north, right and inverse are fields `section` bytes apart, from `west` on.
  (func (export "relaxDelta")
    (param $delta i32) (param $west i32) (param $section i32) (param $stride i32) (param $nx i32) (param $ny i32)
    (param $odd i32) (param $omega f64)
    (local $j i32) (local $k i32) (local $end i32) (local $at i32) (local $c i32)
    (local $east i32) (local $south i32) (local $north i32) (local $right i32) (local $inverse i32)
    (local.set $east (local.get $section))
    (local.set $south (i32.add (local.get $east) (local.get $section)))
    (local.set $north (i32.add (local.get $south) (local.get $section)))
    (local.set $right (i32.add (local.get $north) (local.get $section)))
    (local.set $inverse (i32.add (local.get $right) (local.get $section)))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $k (i32.add
          (i32.mul (local.get $j) (local.get $stride))
          (i32.shl (i32.and (i32.add (local.get $odd) (local.get $j)) (i32.const 1)) (i32.const 3))))
        (local.set $end (i32.add (i32.mul (local.get $j) (local.get $stride)) (i32.shl (local.get $nx) (i32.const 3))))
        (block $rowDone
          (loop $faces
            (br_if $rowDone (i32.ge_u (local.get $k) (local.get $end)))
            (local.set $at (i32.add (local.get $delta) (local.get $k)))
            (local.set $c (i32.add (local.get $west) (local.get $k)))
            (f64.store (local.get $at)
              (f64.add
                (f64.load (local.get $at))
                (f64.mul
                  (local.get $omega)
                  (f64.sub
                    (f64.mul
                      (f64.add
                        (f64.load (i32.add (local.get $c) (local.get $right)))
                        (f64.add
                          (f64.add
                            (f64.add
                              (f64.mul (f64.load (local.get $c)) (f64.load (i32.sub (local.get $at) (i32.const 8))))
                              (f64.mul (f64.load (i32.add (local.get $c) (local.get $east))) (f64.load offset=8 (local.get $at))))
                            (f64.mul
                              (f64.load (i32.add (local.get $c) (local.get $south)))
                              (f64.load (i32.sub (local.get $at) (local.get $stride)))))
                          (f64.mul
                            (f64.load (i32.add (local.get $c) (local.get $north)))
                            (f64.load (i32.add (local.get $at) (local.get $stride))))))
                      (f64.load (i32.add (local.get $c) (local.get $inverse))))
                    (f64.load (local.get $at))))))
            (local.set $k (i32.add (local.get $k) (i32.const 16)))
            (br $faces)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows))))

  ;; The coefficients and the right-hand side of one component's step, `section` bytes apart as in relaxDelta. What carries it
  ;; through a cell's east side is the mean of two values, those at `east1` and `east2`; through the north side, `north1` and
  ;; `north2`. `back` leads to the pressure behind the face. A side that is a wall (1, else 0) holds 0 half a cell away: no
  ;; coefficient there, and twice the diffusion on the diagonal.
  (func (export "assemble")
    (param $field i32) (param $east1 i32) (param $east2 i32) (param $north1 i32) (param $north2 i32)
    (param $p i32) (param $back i32) (param $to i32) (param $section i32)
    (param $stride i32) (param $nx i32) (param $ny i32)
    (param $wallWest i32) (param $wallEast i32) (param $wallSouth i32) (param $wallNorth i32)
    (param $diffusion f64) (param $perH f64) (param $rate f64)
    (local $i i32) (local $j i32) (local $k i32) (local $at i32) (local $c i32) (local $below i32)
    (local $toSouth i32) (local $toNorth i32) (local $toRight i32) (local $toInverse i32)
    (local $isWest i32) (local $isEast i32) (local $isSouth i32) (local $isNorth i32) (local $twice f64)
    (local $centre f64) (local $before f64) (local $after f64) (local $under f64) (local $over f64)
    (local $east f64) (local $west f64) (local $north f64) (local $south f64)
    (local $aWest f64) (local $aEast f64) (local $aSouth f64) (local $aNorth f64)
    (local.set $twice (f64.mul (f64.const 2) (local.get $diffusion)))
    (local.set $toSouth (i32.shl (local.get $section) (i32.const 1)))
    (local.set $toNorth (i32.add (local.get $toSouth) (local.get $section)))
    (local.set $toRight (i32.add (local.get $toNorth) (local.get $section)))
    (local.set $toInverse (i32.add (local.get $toRight) (local.get $section)))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $k (i32.mul (local.get $j) (local.get $stride)))
        (local.set $isSouth (i32.and (local.get $wallSouth) (i32.eqz (local.get $j))))
        (local.set $isNorth
          (i32.and (local.get $wallNorth) (i32.eq (local.get $j) (i32.sub (local.get $ny) (i32.const 1)))))
        (local.set $before (f64.load (i32.sub (i32.add (local.get $field) (local.get $k)) (i32.const 8))))
        (local.set $centre (f64.load (i32.add (local.get $field) (local.get $k))))
        (local.set $west
          (f64.mul (f64.const 0.5)
            (f64.add
              (f64.load (i32.sub (i32.add (local.get $east1) (local.get $k)) (i32.const 8)))
              (f64.load (i32.sub (i32.add (local.get $east2) (local.get $k)) (i32.const 8))))))
        (local.set $i (i32.const 0))
        (block $rowDone
          (loop $faces
            (br_if $rowDone (i32.ge_u (local.get $i) (local.get $nx)))
            (local.set $at (i32.add (local.get $field) (local.get $k)))
            (local.set $below (i32.sub (local.get $k) (local.get $stride)))
            (local.set $c (i32.add (local.get $to) (local.get $k)))
            (local.set $isWest (i32.and (local.get $wallWest) (i32.eqz (local.get $i))))
            (local.set $isEast
              (i32.and (local.get $wallEast) (i32.eq (local.get $i) (i32.sub (local.get $nx) (i32.const 1)))))
            (local.set $after (f64.load offset=8 (local.get $at)))
            (local.set $over (f64.load (i32.add (local.get $at) (local.get $stride))))
            (local.set $under (f64.load (i32.sub (local.get $at) (local.get $stride))))
            (local.set $east
              (f64.mul (f64.const 0.5)
                (f64.add
                  (f64.load (i32.add (local.get $east1) (local.get $k)))
                  (f64.load (i32.add (local.get $east2) (local.get $k))))))
            (local.set $north
              (f64.mul (f64.const 0.5)
                (f64.add
                  (f64.load (i32.add (local.get $north1) (local.get $k)))
                  (f64.load (i32.add (local.get $north2) (local.get $k))))))
            (local.set $south
              (f64.mul (f64.const 0.5)
                (f64.add
                  (f64.load (i32.add (local.get $north1) (local.get $below)))
                  (f64.load (i32.add (local.get $north2) (local.get $below))))))

            ;; What flows in by diffusion, less convection and the pressure's gradient.
            (f64.store (i32.add (local.get $c) (local.get $toRight))
              (f64.sub
                (f64.mul
                  (local.get $diffusion)
                  (f64.sub
                    (f64.add
                      (f64.add (f64.add (local.get $after) (local.get $before)) (local.get $over))
                      (local.get $under))
                    (f64.mul (f64.const 4) (local.get $centre))))
                (f64.mul
                  (local.get $perH)
                  (f64.add
                    (f64.sub
                      (f64.add
                        (f64.sub
                          (f64.mul (local.get $east) (f64.mul (f64.const 0.5) (f64.add (local.get $centre) (local.get $after))))
                          (f64.mul (local.get $west) (f64.mul (f64.const 0.5) (f64.add (local.get $before) (local.get $centre)))))
                        (f64.mul (local.get $north) (f64.mul (f64.const 0.5) (f64.add (local.get $centre) (local.get $over)))))
                      (f64.mul (local.get $south) (f64.mul (f64.const 0.5) (f64.add (local.get $under) (local.get $centre)))))
                    (f64.sub
                      (f64.load (i32.add (local.get $p) (local.get $k)))
                      (f64.load (i32.sub (i32.add (local.get $p) (local.get $k)) (local.get $back))))))))

            ;; Diffusion, and upwind what is carried in.
            (local.set $aWest
              (select
                (f64.const 0)
                (f64.add (local.get $diffusion) (f64.mul (local.get $perH) (f64.max (local.get $west) (f64.const 0))))
                (local.get $isWest)))
            (local.set $aEast
              (select
                (f64.const 0)
                (f64.add (local.get $diffusion) (f64.mul (local.get $perH) (f64.max (f64.neg (local.get $east)) (f64.const 0))))
                (local.get $isEast)))
            (local.set $aSouth
              (select
                (f64.const 0)
                (f64.add (local.get $diffusion) (f64.mul (local.get $perH) (f64.max (local.get $south) (f64.const 0))))
                (local.get $isSouth)))
            (local.set $aNorth
              (select
                (f64.const 0)
                (f64.add (local.get $diffusion) (f64.mul (local.get $perH) (f64.max (f64.neg (local.get $north)) (f64.const 0))))
                (local.get $isNorth)))
            (f64.store (local.get $c) (local.get $aWest))
            (f64.store (i32.add (local.get $c) (local.get $section)) (local.get $aEast))
            (f64.store (i32.add (local.get $c) (local.get $toSouth)) (local.get $aSouth))
            (f64.store (i32.add (local.get $c) (local.get $toNorth)) (local.get $aNorth))
            (f64.store (i32.add (local.get $c) (local.get $toInverse))
              (f64.div
                (f64.const 1)
                (f64.add
                  (f64.add
                    (f64.add (f64.add (f64.add (local.get $rate) (local.get $aWest)) (local.get $aEast)) (local.get $aSouth))
                    (local.get $aNorth))
                  (f64.mul
                    (local.get $twice)
                    (f64.convert_i32_u
                      (i32.add
                        (i32.add (local.get $isWest) (local.get $isEast))
                        (i32.add (local.get $isSouth) (local.get $isNorth))))))))

            ;; What lies between two faces serves both.
            (local.set $before (local.get $centre))
            (local.set $centre (local.get $after))
            (local.set $west (local.get $east))
            (local.set $k (i32.add (local.get $k) (i32.const 8)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $faces)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows))))

  ;; into[k] = u[k + 1] - u[k] + (v[k + stride] - v[k])
  (func (export "divergence")
    (param $u i32) (param $v i32) (param $into i32) (param $stride i32) (param $nx i32) (param $ny i32)
    (local $j i32) (local $k i32) (local $end i32)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $k (i32.mul (local.get $j) (local.get $stride)))
        (local.set $end (i32.add (local.get $k) (i32.shl (local.get $nx) (i32.const 3))))
        (block $rowDone
          (loop $cells
            (br_if $rowDone (i32.ge_u (local.get $k) (local.get $end)))
            (f64.store (i32.add (local.get $into) (local.get $k))
              (f64.add
                (f64.sub
                  (f64.load offset=8 (i32.add (local.get $u) (local.get $k)))
                  (f64.load (i32.add (local.get $u) (local.get $k))))
                (f64.sub
                  (f64.load (i32.add (i32.add (local.get $v) (local.get $k)) (local.get $stride)))
                  (f64.load (i32.add (local.get $v) (local.get $k))))))
            (local.set $k (i32.add (local.get $k) (i32.const 8)))
            (br $cells)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows))))

  ;; field[k] -= e[k] - e[k - back]
  (func (export "subtractGradient")
    (param $field i32) (param $e i32) (param $back i32) (param $stride i32) (param $nx i32) (param $ny i32)
    (local $j i32) (local $k i32) (local $end i32) (local $at i32)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $k (i32.mul (local.get $j) (local.get $stride)))
        (local.set $end (i32.add (local.get $k) (i32.shl (local.get $nx) (i32.const 3))))
        (block $rowDone
          (loop $faces
            (br_if $rowDone (i32.ge_u (local.get $k) (local.get $end)))
            (local.set $at (i32.add (local.get $field) (local.get $k)))
            (f64.store (local.get $at)
              (f64.sub
                (f64.load (local.get $at))
                (f64.sub
                  (f64.load (i32.add (local.get $e) (local.get $k)))
                  (f64.load (i32.sub (i32.add (local.get $e) (local.get $k)) (local.get $back))))))
            (local.set $k (i32.add (local.get $k) (i32.const 8)))
            (br $faces)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows))))

  ;; p += scale * e - viscous * b, over `bytes` of each from its array's beginning.
  (func (export "addPressure")
    (param $p i32) (param $e i32) (param $b i32) (param $bytes i32) (param $scale f64) (param $viscous f64)
    (local $k i32)
    (block $done
      (loop $cells
        (br_if $done (i32.ge_u (local.get $k) (local.get $bytes)))
        (f64.store (i32.add (local.get $p) (local.get $k))
          (f64.add
            (f64.load (i32.add (local.get $p) (local.get $k)))
            (f64.sub
              (f64.mul (local.get $scale) (f64.load (i32.add (local.get $e) (local.get $k))))
              (f64.mul (local.get $viscous) (f64.load (i32.add (local.get $b) (local.get $k)))))))
        (local.set $k (i32.add (local.get $k) (i32.const 8)))
        (br $cells))))

  ;; field += delta, over `bytes` of each from its array's beginning.
  (func (export "add") (param $field i32) (param $delta i32) (param $bytes i32)
    (local $k i32)
    (block $done
      (loop $cells
        (br_if $done (i32.ge_u (local.get $k) (local.get $bytes)))
        (f64.store (i32.add (local.get $field) (local.get $k))
          (f64.add
            (f64.load (i32.add (local.get $field) (local.get $k)))
            (f64.load (i32.add (local.get $delta) (local.get $k)))))
        (local.set $k (i32.add (local.get $k) (i32.const 8)))
        (br $cells))))

  ;; The largest |delta[k] - (e[k] - e[k - back])|; what is not a number stays.
  (func (export "largestChange")
    (param $delta i32) (param $e i32) (param $back i32) (param $stride i32) (param $nx i32) (param $ny i32) (result f64)
    (local $j i32) (local $k i32) (local $end i32) (local $most f64)
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $j) (local.get $ny)))
        (local.set $k (i32.mul (local.get $j) (local.get $stride)))
        (local.set $end (i32.add (local.get $k) (i32.shl (local.get $nx) (i32.const 3))))
        (block $rowDone
          (loop $faces
            (br_if $rowDone (i32.ge_u (local.get $k) (local.get $end)))
            (local.set $most
              (f64.max
                (local.get $most)
                (f64.abs
                  (f64.sub
                    (f64.load (i32.add (local.get $delta) (local.get $k)))
                    (f64.sub
                      (f64.load (i32.add (local.get $e) (local.get $k)))
                      (f64.load (i32.sub (i32.add (local.get $e) (local.get $k)) (local.get $back))))))))
            (local.set $k (i32.add (local.get $k) (i32.const 8)))
            (br $faces)))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br $rows)))
    (local.get $most)))
