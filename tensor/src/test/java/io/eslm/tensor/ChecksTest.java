// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.scalar.ScalarBackend;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The exact words of every message that a mistake with a tensor brings. */
class ChecksTest {
    private static final Backend SCALAR = new ScalarBackend();

    private static Tensor f32(int... dims) {
        return Tensor.zeros(SCALAR, DType.F32, dims);
    }

    private static Tensor i32(int... values) {
        return Tensor.of(SCALAR, values, values.length);
    }

    private static Arguments on(String message, Executable mistake) {
        return Arguments.of(message, mistake);
    }

    static Stream<Arguments> shapes() {
        return Stream.of(
                on("shape: dimension -2 is negative in [3, -2]", () -> Shape.of(3, -2)),
                on("shape: [65536, 65536] has more than 2^31 - 1 elements; use a smaller batch or split the tensor",
                        () -> Shape.of(65536, 65536)),
                on("dim: axis 2 is outside the 2 axes of (3, 4)", () -> f32(3, 4).dim(2)),
                on("dim: axis -3 is outside the 2 axes of (3, 4)", () -> f32(3, 4).dim(-3)),
                on("of: 3 values do not fill shape (2, 2) (4 elements)", () -> Tensor.of(SCALAR, new float[3], 2, 2)),
                on("tensor: storage holds 6 elements, shape (7) needs 7",
                        () -> new Tensor(SCALAR, f32(2, 3).storage(), Shape.of(7))),
                on("item: needs exactly one element, shape is (2, 3)", () -> f32(2, 3).item()),
                on("get: 1 indices for the 2 axes of (2, 3)", () -> f32(2, 3).get(1)),
                on("reshape: (2, 3) has 6 elements, (4, 2) has 8", () -> f32(2, 3).reshape(4, 2)),
                on("reshape: (-1, -1) has more than one -1", () -> f32(2, 3).reshape(-1, -1)),
                on("reshape: (2, 3) has 6 elements, which (4, -1) cannot divide evenly",
                        () -> f32(2, 3).reshape(4, -1)),
                on("reshape: (0, 3) has 0 elements, which (0, -1) cannot divide evenly",
                        () -> f32(0, 3).reshape(0, -1)));
    }

    static Stream<Arguments> moves() {
        return Stream.of(
                on("rows: needs at least 1 axis, shape () has 0; reshape it first", () -> f32().rows(0, 1)),
                on("rows: [1, 4) is outside axis 0 of (3, 2), which has 3 elements", () -> f32(3, 2).rows(1, 3)),
                on("slice: [3, 2) is outside axis 1 of (2, 5), which has 5 elements", () -> f32(2, 5).slice(-1, 3, 2)),
                on("slice: axis 2 is outside the 2 axes of (2, 5)", () -> f32(2, 5).slice(2, 0, 1)),
                on("permute: axes (0, 0, 1) do not name each of the 3 axes of (2, 3, 4) once",
                        () -> f32(2, 3, 4).permute(0, 0, 1)),
                on("permute: axes (1, 0) do not name each of the 3 axes of (2, 3, 4) once",
                        () -> f32(2, 3, 4).permute(1, 0)),
                on("permute: axes (0, 5) do not name each of the 2 axes of (2, 3) once", () -> f32(2, 3).permute(0, 5)),
                on("transpose: axis 3 is outside the 2 axes of (2, 3)", () -> f32(2, 3).transpose(0, 3)),
                on("concat: needs at least one tensor", () -> Tensor.concat(0)),
                on("concat: shapes (2, 3) and (2, 4) differ outside axis 0",
                        () -> Tensor.concat(0, f32(2, 3), f32(2, 4))),
                on("concat: shapes (2, 3) and (2) differ outside axis 0", () -> Tensor.concat(0, f32(2, 3), f32(2))),
                on("gatherRows: needs I32, was given F32", () -> f32(2, 3).gatherRows(f32(2))),
                on("sumTo: (4) does not broadcast to (2, 1)", () -> f32(2, 1).sumTo(Shape.of(4))));
    }

    static Stream<Arguments> arithmetic() {
        Backend other = new ScalarBackend();
        return Stream.of(
                on("add: shapes (2, 3) and (2, 4) do not broadcast: axis -1 has 3 and 4",
                        () -> f32(2, 3).add(f32(2, 4))),
                on("mul: shapes (5, 1, 3) and (4, 2, 1) do not broadcast: axis -3 has 5 and 4",
                        () -> f32(5, 1, 3).mul(f32(4, 2, 1))),
                on("add: tensors live on different backends (scalar and scalar); copy one over first with"
                        + " Tensor.to(backend)", () -> f32(2).add(Tensor.zeros(other, DType.F32, 2))),
                on("sub: element types differ: F32 and F64; convert one first with Tensor.to(type)",
                        () -> f32(2).sub(Tensor.zeros(SCALAR, DType.F64, 2))),
                on("add: needs a floating-point type, was given I32", () -> i32(1, 2).add(i32(3, 4))),
                on("exp: needs a floating-point type, was given I32", () -> i32(1, 2).exp()),
                on("read: needs F32, was given F64", () -> Tensor.zeros(SCALAR, DType.F64, 2).toFloats()),
                on("read: needs I32, was given F32", () -> f32(2).toInts()),
                on("read: needs a floating-point type, was given I32", () -> i32(1).toDoubles()),
                on("max: axis 1 of (3, 0) is empty and has no max", () -> f32(3, 0).max(-1)),
                on("argmax: axis 0 of (0) is empty and has no argmax", () -> f32(0).argmax(0)),
                on("sum: axis 0 is outside the 0 axes of ()", () -> f32().sum(0)),
                on("matmul: inner dimensions differ (768 and 1024): a (8, 64, 768), b (1024, 768). Did you mean b"
                        + " transposed, (768, 1024)?", () -> f32(8, 64, 768).matmul(f32(1024, 768))),
                on("matmul: inner dimensions differ (3 and 4): a (2, 3), b (4, 5)", () -> f32(2, 3).matmul(f32(4, 5))),
                on("matmul: inner dimensions differ (3 and 5): a (2, 3), b (5, 3). Did you mean b transposed, (3, 5)?",
                        () -> f32(2, 3).matmul(f32(3, 5), false, true)),
                on("matmul: needs at least 2 axes, shape (3) has 1; reshape it first", () -> f32(2, 3).matmul(f32(3))),
                on("matmul: shapes (2) and (3) do not broadcast: axis -1 has 2 and 3",
                        () -> f32(2, 4, 5).matmul(f32(3, 5, 6))),
                on("nEmbd: n (10) is not a multiple of heads (3)", () -> Checks.multiple("nEmbd", "n", 10, "heads", 3)),
                on("add: shapes differ: (2) and (3)", () -> Checks.sameShape("add", Shape.of(2), Shape.of(3))));
    }

    @ParameterizedTest
    @MethodSource({"shapes", "moves", "arithmetic"})
    void mistakesAreNamed(String message, Executable mistake) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, mistake).getMessage());
    }

    static Stream<Arguments> indices() {
        return Stream.of(
                on("get: index 3 is outside axis 1 of (2, 3)", () -> f32(2, 3).get(0, 3)),
                on("get: index -1 is outside axis 0 of (2, 3)", () -> f32(2, 3).get(-1, 0)),
                on("gatherRows: id 4 at position 2 is outside [0, 4)", () -> f32(4, 3).gatherRows(i32(0, 3, 4))),
                on("gatherRows: id -1 at position 0 is outside [0, 4)", () -> f32(4, 3).gatherRows(i32(-1))));
    }

    @ParameterizedTest
    @MethodSource("indices")
    void indicesAreNamed(String message, Executable mistake) {
        assertEquals(message, assertThrows(IndexOutOfBoundsException.class, mistake).getMessage());
    }

    @Test
    void unknownBackendIsNamed() {
        String message = assertThrows(UserError.class, () -> Backends.open("gpu9", 0)).getMessage();
        assertEquals("--backend gpu9: no such backend; there are auto, ", message.substring(0, 49));
        assertEquals("scalar", Backends.open("scalar", 1).name());
    }
}
