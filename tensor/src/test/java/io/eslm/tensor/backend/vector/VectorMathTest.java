// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.backend.vector;

import static io.eslm.tensor.backend.vector.VectorMath.LANES;
import static io.eslm.tensor.backend.vector.VectorMath.S;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.DType;
import io.eslm.tensor.backend.Activation;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.HeapStorage;
import io.eslm.tensor.backend.Kernels;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.DoubleUnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** The elementary functions: their error over all floats of their range, special values, the same bits for every width. */
class VectorMathTest {
    /** Every 97th float: 97 is coprime to the powers of 2 between binades, so no digit pattern is left out. */
    private static final int STRIDE = 97;
    /** The same where the exact value takes long. */
    private static final int COARSE = 9973;
    private static final int BATCH = 4096;
    private static final double SCALE = Math.sqrt(2 / Math.PI);

    private static final Kernels DEFINITIONS = Backends.open("scalar", 1).kernels();

    private interface Function {
        FloatVector of(FloatVector x);
    }

    private static final Map<String,
            Function> FUNCTIONS = new TreeMap<>(Map.of("exp", VectorMath::exp, "expNonPositive",
                    VectorMath::expNonPositive, "tanh", VectorMath::tanh, "log", VectorMath::log, "sigmoid",
                    VectorMath::sigmoid,
                    "gelu", VectorMath::gelu, "geluSlope", VectorMath::geluSlope));

    static {
        FUNCTIONS.put("exactGelu", VectorActivations::gelu);
        FUNCTIONS.put("exactGeluSlope", VectorActivations::geluSlope);
        FUNCTIONS.put("silu", x -> VectorActivations.weighted(x, 1));
        FUNCTIONS.put("siluSlope", x -> VectorActivations.weightedSlope(x, 1));
    }

    private static void apply(String name, float[] y, float[] x) {
        Function f = FUNCTIONS.get(name);
        for (int i = 0; i < x.length; i += LANES) {
            f.of(FloatVector.fromArray(S, x, i)).intoArray(y, i);
        }
    }

    private static float one(String name, double x) {
        float[] y = new float[LANES];
        float[] v = new float[LANES];
        Arrays.fill(v, (float) x);
        apply(name, y, v);
        return y[LANES - 1];
    }

    /** The largest error in units in the last place of the exact result, over the floats from {@code low} to {@code high}. */
    private static double worst(String name, DoubleUnaryOperator exact, float low, float high, int stride) {
        float[] x = new float[BATCH];
        float[] y = new float[BATCH];
        double worst = 0;
        int n = 0;
        for (long bits = Integer.MIN_VALUE; bits <= Integer.MAX_VALUE; bits += stride) {
            float v = Float.intBitsToFloat((int) bits);
            if (v >= low && v <= high) {
                x[n++] = v;
            }
            if (n == BATCH || bits + stride > Integer.MAX_VALUE) {
                apply(name, y, x);
                for (int i = 0; i < n; i++) {
                    double want = exact.applyAsDouble(x[i]);
                    double error = Math.abs(y[i] - want) / Math.ulp((float) want);
                    worst = Math.max(worst, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
                }
                n = 0;
            }
        }
        return worst;
    }

    private static void check(String name, DoubleUnaryOperator exact, float low, float high, double most) {
        check(name, exact, low, high, STRIDE, most);
    }

    private static void check(String name, DoubleUnaryOperator exact, float low, float high, int stride, double most) {
        double worst = worst(name, exact, low, high, stride);
        assertTrue(worst <= most, name + " on [" + low + ", " + high + "]: " + worst + " ulp, more than " + most);
        assertTrue(worst > most / 2, name + ": " + worst + " ulp; the bound " + most + " should say so");
    }

    @Test
    void errorsInUnitsInTheLastPlace() {
        check("exp", Math::exp, -104, 88.72f, 1.3);
        check("expNonPositive", Math::exp, -87.3f, 88.3f, 1.3);
        check("tanh", Math::tanh, -Float.MAX_VALUE, Float.MAX_VALUE, 2.5);
        check("log", Math::log, Float.MIN_VALUE, Float.MAX_VALUE, 0.9);
        check("sigmoid", x -> 1 / (1 + Math.exp(-x)), -87, Float.MAX_VALUE, 3.2);
        check("gelu", x -> x / (1 + Math.exp(-2 * SCALE * (x + 0.044715 * x * x * x))), -1, Float.MAX_VALUE, 3);
        // In the left tail, the rounding of 2u counts 2u-fold.
        check("gelu", x -> x / (1 + Math.exp(-2 * SCALE * (x + 0.044715 * x * x * x))), -8, -1, 100);
    }

    /** The definitions compute in double. */
    @Test
    void errorsOfActivations() {
        check("exactGelu", x -> of(Activation.GELU, x), -1, Float.MAX_VALUE, COARSE, 9);
        // In the left tail, the rounding of x²/2 counts x²/2-fold.
        check("exactGelu", x -> of(Activation.GELU, x), -8, -1, COARSE, 30);
        check("silu", x -> of(Activation.SILU, x), -80, Float.MAX_VALUE, COARSE, 3);
    }

    private static double of(Activation f, double x) {
        HeapStorage v = HeapStorage.allocate(DType.F64, 1);
        v.set(0, x);
        DEFINITIONS.activation(f, v, v, 1);
        return v.get(0);
    }

    @Test
    void slopesOfActivationsToSixDigitsOfTheirRange() {
        for (float x = -12; x < 12; x += 1e-3f) {
            double h = 1e-6;
            for (Activation f : new Activation[] {Activation.GELU, Activation.SILU}) {
                assertEquals((of(f, x + h) - of(f, x - h)) / (2 * h),
                        one(f == Activation.SILU ? "siluSlope" : "exactGeluSlope", x), 1e-6);
            }
        }
    }

    @Test
    void slopeOfGeluToSixDigitsOfItsRange() {
        for (float x = -12; x < 12; x += 1e-3f) {
            double h = 1e-6;
            double want = (gelu(x + h) - gelu(x - h)) / (2 * h);
            assertEquals(want, one("geluSlope", x), 1e-6);
        }
    }

    private static double gelu(double x) {
        return x / (1 + Math.exp(-2 * SCALE * (x + 0.044715 * x * x * x)));
    }

    @Test
    void specialValues() {
        double inf = Double.POSITIVE_INFINITY;
        for (String name : FUNCTIONS.keySet()) {
            assertEquals(Float.NaN, one(name, Double.NaN), name);
        }
        assertEquals(0, one("exp", -inf));
        assertEquals(Float.POSITIVE_INFINITY, one("exp", inf));
        assertEquals(Float.MIN_VALUE, one("exp", -103.9));
        assertEquals(1, one("exp", -0.0));
        assertEquals(0, one("expNonPositive", -inf));
        assertEquals(0, one("expNonPositive", -1e38));
        assertEquals(1, one("expNonPositive", 0));
        assertEquals(1, one("tanh", inf));
        assertEquals(-1, one("tanh", -inf));
        assertEquals(-0.0f, one("tanh", -0.0));
        assertEquals(-Float.MIN_VALUE, one("tanh", -Float.MIN_VALUE));
        assertEquals(Float.NEGATIVE_INFINITY, one("log", -0.0));
        assertEquals(Float.POSITIVE_INFINITY, one("log", inf));
        assertEquals(Float.NaN, one("log", -Float.MIN_VALUE));
        assertEquals(0, one("log", 1));
        assertEquals(0, one("sigmoid", -inf));
        assertEquals(1, one("sigmoid", inf));
        assertEquals(Float.POSITIVE_INFINITY, one("gelu", inf));
        assertEquals(-0.0f, one("gelu", -1e30));
        assertEquals(1, one("geluSlope", inf));
        assertEquals(0, one("geluSlope", -1e30));
        assertEquals(0.5f, one("geluSlope", 0));
        for (String name : new String[] {"exactGelu", "silu"}) {
            assertEquals(Float.POSITIVE_INFINITY, one(name, inf));
            assertEquals(-0.0f, one(name, -1e30));
            assertEquals(1, one(name + "Slope", inf));
            assertEquals(0, one(name + "Slope", -1e30));
            assertEquals(0.5f, one(name + "Slope", 0));
        }
    }

    @Test
    void sumOfLanesIsATreeOfRotations() {
        float[] x = new float[LANES];
        for (int i = 0; i < LANES; i++) {
            x[i] = 1f / (i + 1);
        }
        float want = VectorMath.sum(FloatVector.fromArray(S, x, 0));
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                x[i] += x[i + half];
            }
        }
        assertEquals(x[0], want);
    }

    /** Prints a checksum of each function's results: the same for every width of the vectors. */
    public static void main(String[] args) {
        StringBuilder sums = new StringBuilder();
        float[] x = new float[BATCH];
        float[] y = new float[BATCH];
        for (String name : FUNCTIONS.keySet()) {
            long sum = 0;
            int bits = 0;
            for (int batch = 0; batch < 20; batch++) {
                for (int i = 0; i < BATCH; i++) {
                    bits += 52_429; // 81,920 floats from all binades
                    x[i] = Float.intBitsToFloat(bits);
                }
                apply(name, y, x);
                for (float v : y) {
                    sum = sum * 31 + Float.floatToIntBits(v);
                }
            }
            sums.append(name).append(' ').append(sum).append('\n');
        }
        System.out.print(sums);
    }

    @Test
    void sameBitsForEveryWidth() throws IOException, InterruptedException, URISyntaxException {
        String widest = run(64);
        assertEquals(FUNCTIONS.size(), widest.lines().count(), widest);
        assertEquals(widest, run(32));
        assertEquals(widest, run(16));
    }

    /** What {@link #main} prints in a JVM whose vectors have at most {@code bytes}. */
    private static String run(int bytes) throws IOException, InterruptedException, URISyntaxException {
        String classes = place(VectorMath.class) + File.pathSeparator + place(VectorMathTest.class);
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector", "-XX:MaxVectorSize=" + bytes, "-cp", classes,
                VectorMathTest.class.getName()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        process.getInputStream().transferTo(out);
        assertEquals(0, process.waitFor());
        return out.toString(StandardCharsets.UTF_8);
    }

    private static Path place(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
