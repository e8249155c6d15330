// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ScalarBackend;
import java.util.stream.Stream;
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
                on("tensor: 3 values do not fill shape (2, 2) (4 elements)",
                        () -> Tensor.of(SCALAR, new float[3], 2, 2)),
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

    static Stream<Arguments> rows() {
        return Stream.of(
                on("rows: needs at least 1 axis, shape () has 0; reshape it first", () -> f32().rows(0, 1)),
                on("rows: [1, 4) is outside axis 0 of (3, 2), which has 3 elements", () -> f32(3, 2).rows(1, 3)));
    }

    static Stream<Arguments> others() {
        Backend other = new ScalarBackend();
        return Stream.of(
                on("add: shapes (2, 3) and (2, 4) do not broadcast: axis -1 has 3 and 4",
                        () -> Broadcast.shape("add", Shape.of(2, 3), Shape.of(2, 4))),
                on("mul: shapes (5, 1, 3) and (4, 2, 1) do not broadcast: axis -3 has 5 and 4",
                        () -> Broadcast.shape("mul", Shape.of(5, 1, 3), Shape.of(4, 2, 1))),
                on("add: tensors live on different backends (scalar and scalar); copy one over first with"
                        + " Tensor.to(backend)", () -> Checks.sameBackend("add", SCALAR, other)),
                on("sub: element types differ: F32 and F64; convert one first with Tensor.to(type)",
                        () -> Checks.sameType("sub", DType.F32, DType.F64)),
                on("read: needs F32, was given F64", () -> Tensor.zeros(SCALAR, DType.F64, 2).toFloats()),
                on("read: needs I32, was given F32", () -> f32(2).toInts()),
                on("read: needs a floating-point type, was given I32", () -> i32(1).toDoubles()),
                on("matmul: inner dimensions differ (768 and 1024): a (8, 64, 768), b (1024, 768). Did you mean b"
                        + " transposed, (768, 1024)?",
                        () -> Checks.inner("matmul", 768, 1024, 768, Shape.of(8, 64, 768), Shape.of(1024, 768))),
                on("matmul: inner dimensions differ (3 and 4): a (2, 3), b (4, 5)",
                        () -> Checks.inner("matmul", 3, 4, 5, Shape.of(2, 3), Shape.of(4, 5))));
    }

    static Stream<Arguments> nulls() {
        return Stream.of(on("tensor: storage is null", () -> new Tensor(SCALAR, null, Shape.of(2))),
                on("tensor: backend is null", () -> new Tensor(null, f32(2).storage(), Shape.of(2))),
                on("tensor: shape is null", () -> new Tensor(SCALAR, f32(2).storage(), null)),
                on("tensor: backend is null", () -> Tensor.zeros(null, DType.F32, 2)),
                on("tensor: type is null", () -> Tensor.zeros(SCALAR, null, 2)),
                on("tensor: values is null", () -> Tensor.of(SCALAR, (float[]) null, 2)),
                on("tensor: values is null", () -> Tensor.of(SCALAR, (int[]) null, 2)),
                on("tensor: values is null", () -> Tensor.of(SCALAR, DType.F64, null, 2)),
                on("tensor: rng is null", () -> Tensor.randn(SCALAR, DType.F32, null, 1, 2)),
                on("shape: dims is null", () -> Tensor.zeros(SCALAR, DType.F32, (int[]) null)),
                on("reshape: dims is null", () -> f32(2).reshape((int[]) null)),
                on("to: backend is null", () -> f32(2).to((Backend) null)),
                on("to: type is null", () -> f32(2).to((DType) null)),
                on("sameAs: other is null", () -> f32(2).sameAs(null)),
                on("allClose: other is null", () -> f32(2).allClose(null, 0, 0)));
    }

    @ParameterizedTest
    @MethodSource({"shapes", "rows", "others", "nulls"})
    void mistakesAreNamed(String message, Executable mistake) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, mistake).getMessage());
    }

    static Stream<Arguments> indices() {
        return Stream.of(
                on("get: index 3 is outside axis 1 of (2, 3)", () -> f32(2, 3).get(0, 3)),
                on("get: index -1 is outside axis 0 of (2, 3)", () -> f32(2, 3).get(-1, 0)),
                on("prompt: id 4 at position 2 is outside [0, 4)",
                        () -> Checks.ids("prompt", new int[] {0, 3, 4}, 3, 4)),
                on("prompt: id -1 at position 0 is outside [0, 4)", () -> Checks.ids("prompt", new int[] {-1}, 1, 4)));
    }

    @ParameterizedTest
    @MethodSource("indices")
    void indicesAreNamed(String message, Executable mistake) {
        assertEquals(message, assertThrows(IndexOutOfBoundsException.class, mistake).getMessage());
    }
}
