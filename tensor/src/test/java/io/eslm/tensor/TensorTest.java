// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.ScalarBackend;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Creation, element access, copies, comparison and printing of tensors. */
class TensorTest {
    private static final Backend SCALAR = new ScalarBackend();

    private static Tensor f64(double[] values, int... dims) {
        return Tensor.of(SCALAR, DType.F64, values, dims);
    }

    @Test
    void creation() {
        assertArrayEquals(new float[] {7, 7, 7}, Tensor.full(SCALAR, DType.F32, 7, 3).toFloats());
        assertArrayEquals(new int[] {0, 1, 2, 3}, Tensor.arange(SCALAR, DType.I32, 4).toInts());
        assertArrayEquals(new double[] {0, 1, 2}, Tensor.arange(SCALAR, DType.F64, 3).toDoubles());
        assertEquals(2.5, Tensor.full(SCALAR, DType.F64, 2.5).item());
    }

    @Test
    void randomTensorsHaveTheirMomentsAndRepeat() {
        int n = 20_000;
        Tensor x = Tensor.randn(SCALAR, DType.F64, Rng.of(1), 3, n);
        // standard error of the mean is 3/√n = 0.021, of the variance 9·√(2/n) = 0.09: five of each
        double[] values = x.toDoubles();
        assertEquals(0, Arrays.stream(values).average().orElseThrow(), 0.11);
        assertEquals(9, Arrays.stream(values).map(v -> v * v).average().orElseThrow(), 0.45);
        assertTrue(x.sameAs(Tensor.randn(SCALAR, DType.F64, Rng.of(1), 3, n)));
        assertFalse(x.sameAs(Tensor.randn(SCALAR, DType.F64, Rng.of(2), 3, n)));
        Tensor u = Tensor.uniform(SCALAR, DType.F64, Rng.of(1), -1, 5, n);
        assertTrue(Arrays.stream(u.toDoubles()).allMatch(v -> v >= -1 && v < 5));
        // the standard error of a uniform mean is 6/√(12n) = 0.012
        assertEquals(2, Arrays.stream(u.toDoubles()).average().orElseThrow(), 0.06);
    }

    @Test
    void elementsByIndex() {
        Tensor x = Tensor.arange(SCALAR, DType.I32, 24).reshape(2, 3, -1);
        assertEquals(Shape.of(2, 3, 4), x.shape());
        assertEquals(1 * 12 + 2 * 4 + 3, x.get(1, 2, 3));
        assertEquals(5, Tensor.full(SCALAR, DType.F32, 5).get());
    }

    @Test
    void reshapeAndRowsShareMemory() {
        Tensor x = Tensor.zeros(SCALAR, DType.F32, 4, 3);
        SCALAR.kernels().fill(x.reshape(2, 6).storage(), 12, 1);
        SCALAR.kernels().fill(x.rows(1, 2).storage(), 6, 2);
        assertArrayEquals(new float[] {1, 1, 1, 2, 2, 2, 2, 2, 2, 1, 1, 1}, x.toFloats());
        assertEquals(Shape.of(0, 3), x.rows(4, 0).shape());
    }

    @Test
    void releasedMemoryIsNotRead() {
        Tensor x = Tensor.zeros(SCALAR, DType.F32, 2, 3);
        Tensor view = x.reshape(6).rows(1, 2);
        Tensor kept = x.to(SCALAR);
        assertSame(x, view.owner());
        view.release("add");
        String message = assertThrows(IllegalStateException.class, x::toFloats).getMessage();
        assertTrue(message.startsWith("tensor (2, 3), made by add: its memory has been reused. "), message);
        assertThrows(IllegalStateException.class, view::storage);
        assertThrows(IllegalStateException.class, () -> x.get(0, 0));
        assertThrows(IllegalStateException.class, () -> x.rows(0, 1));
        assertEquals("released (2, 3) F32", x.toString());
        assertEquals(0, kept.get(1, 2));
    }

    @Test
    void oneHotMarksTheColumnOfEachId() {
        assertArrayEquals(new float[] {0, 1, 0, 0, 0, 1},
                Tensor.oneHot(SCALAR, DType.F32, new int[] {1, 2}, 3).toFloats());
        assertThrows(IndexOutOfBoundsException.class, () -> Tensor.oneHot(SCALAR, DType.F32, new int[] {3}, 3));
    }

    @Test
    void copies() {
        Backend other = new ScalarBackend();
        Tensor x = Tensor.of(SCALAR, new float[] {1.5f, -2.5f}, 2);
        assertSame(other, x.to(other).backend());
        assertTrue(x.sameAs(x.to(other)));
        assertNotSame(x.storage(), x.to(SCALAR).storage());
        assertArrayEquals(new double[] {1.5, -2.5}, x.to(DType.F64).toDoubles());
        assertArrayEquals(new int[] {1, -2}, x.to(DType.I32).toInts());
        assertArrayEquals(new float[] {1, -2}, x.to(DType.I32).to(DType.F32).toFloats());
        assertTrue(x.to(DType.I32).sameAs(x.to(DType.I32).to(other)));
        assertArrayEquals(new float[] {0.1f}, f64(new double[] {0.1}, 1).to(DType.F32).toFloats());
    }

    @Test
    void comparison() {
        Tensor x = f64(new double[] {1, Double.NaN, Double.POSITIVE_INFINITY}, 3);
        assertTrue(x.sameAs(x.to(SCALAR)));
        assertFalse(x.allClose(x, 1, 1), "a NaN is close to nothing");
        assertFalse(x.sameAs(x.reshape(3, 1)));
        assertFalse(f64(new double[] {0}, 1).sameAs(f64(new double[] {-0.0}, 1)));
        assertFalse(x.sameAs(x.to(DType.F32)));
        Tensor a = f64(new double[] {100, Double.POSITIVE_INFINITY}, 2);
        assertTrue(a.allClose(f64(new double[] {101, Double.POSITIVE_INFINITY}, 2), 0.01, 0));
        assertFalse(a.allClose(f64(new double[] {101.1, Double.POSITIVE_INFINITY}, 2), 0.01, 0));
        assertTrue(a.allClose(f64(new double[] {101.1, Double.POSITIVE_INFINITY}, 2), 0.01, 0.1));
        assertFalse(a.allClose(f64(new double[] {100, Double.NEGATIVE_INFINITY}, 2), 0.01, 1));
    }

    @Test
    void smallTensorsPrintInFull() {
        assertEquals("[[0.0, 1.0, 2.0],\n [3.0, 4.0, 5.0]] (2, 3) F32",
                Tensor.arange(SCALAR, DType.F32, 6).reshape(2, 3).toString());
        assertEquals("[[[ 0.5000],\n  [-1.2500]],\n\n [[ 3.0000],\n  [    nan]]] (2, 2, 1) F64",
                f64(new double[] {0.5, -1.25, 3, Double.NaN}, 2, 2, 1).toString());
        assertEquals("[1.0000e+00, 2.5000e-07,       -inf] (3) F64",
                f64(new double[] {1, 2.5e-7, Double.NEGATIVE_INFINITY}, 3).toString());
        assertEquals("[-1, 20] (2) I32", Tensor.of(SCALAR, new int[] {-1, 20}, 2).toString());
        assertEquals("7.0 () F32", Tensor.full(SCALAR, DType.F32, 7).toString());
        assertEquals("[] (2, 0) F32", Tensor.zeros(SCALAR, DType.F32, 2, 0).toString());
        assertEquals("[0.0] (1) F32", Tensor.zeros(SCALAR, DType.F32, 1).toString());
    }

    @Test
    void largeTensorsAreAbbreviated() {
        assertEquals("[   0,    1,    2, …, 1997, 1998, 1999] (2000) I32",
                Tensor.arange(SCALAR, DType.I32, 2000).toString());
        String text = Tensor.arange(SCALAR, DType.I32, 2000).reshape(500, 4).toString();
        assertEquals("""
                [[   0,    1,    2,    3],
                 [   4,    5,    6,    7],
                 [   8,    9,   10,   11],
                 …,
                 [1988, 1989, 1990, 1991],
                 [1992, 1993, 1994, 1995],
                 [1996, 1997, 1998, 1999]] (500, 4) I32""", text);
    }
}
