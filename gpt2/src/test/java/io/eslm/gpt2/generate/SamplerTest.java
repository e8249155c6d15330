// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.eslm.tensor.Rng;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
    private static final int DRAWS = 40_000;
    private static final float[] LOGITS = {0.3f, -1f, 2f, 0.3f, 1.5f, -4f, 0f, -0f, 1.4f, -0.5f, 0.9f};

    private static Sampler sampler(double temperature, int topK, double topP) {
        return new Sampler(new Sampling(temperature, topK, topP, 1, 5), LOGITS.length);
    }

    /** The distribution by its definition: softmax, the k largest, the shortest prefix that reaches p. */
    private static double[] expected(double temperature, int topK, double topP) {
        int n = LOGITS.length;
        double[] p = new double[n];
        Arrays.setAll(p, i -> Math.exp(LOGITS[i] / temperature));
        int[] order = IntStream.range(0, n).boxed()
                .sorted(Comparator.<Integer>comparingDouble(i -> -p[i]).thenComparing(i -> i))
                .mapToInt(i -> i).toArray();
        for (int rank = topK == 0 ? n : topK; rank < n; rank++) {
            p[order[rank]] = 0;
        }
        double whole = Arrays.stream(p).sum();
        double sum = 0;
        for (int i : order) {
            if (topP < 1 && sum >= topP * whole) {
                p[i] = 0;
            }
            sum += p[i];
        }
        double kept = Arrays.stream(p).sum();
        return Arrays.stream(p).map(v -> v / kept).toArray();
    }

    /**
     * Pearson's statistic is about its degrees of freedom ± √(2·df): 10 ± 4.5 for eleven tokens. 35 is beyond five of these
     * (p = 1e-4), and the seed is fixed.
     */
    @ParameterizedTest
    @CsvSource({"1, 0, 1", "0.5, 0, 1", "2, 0, 1", "1, 4, 1", "1, 5, 0.7", "1, 0, 0.8", "1, 0, 0.999", "1.7, 20, 0.6",
        "1, 7, 1"})
    void frequenciesFollowTheDistribution(double temperature, int topK, double topP) {
        double[] p = expected(temperature, topK, topP);
        int[] count = draw(sampler(temperature, topK, topP));
        assertTrue(statistic(p, count) < 35, Arrays.toString(p) + Arrays.toString(count));
        double[] other = p.clone();
        other[2] *= 0.9;
        other[4] += 0.1 * p[2];
        assertTrue(statistic(other, count) > 35, "the test notices a tenth of one probability");
    }

    private static int[] draw(Sampler sampler) {
        int[] count = new int[LOGITS.length];
        for (int i = 0; i < DRAWS; i++) {
            count[sampler.draw(LOGITS)]++;
        }
        return count;
    }

    private static double statistic(double[] p, int[] count) {
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            double e = DRAWS * p[i];
            sum += e == 0 ? (count[i] == 0 ? 0 : Double.POSITIVE_INFINITY) : (count[i] - e) * (count[i] - e) / e;
        }
        return sum;
    }

    @Test
    void tiesGoToTheSmallerId() {
        float[] tied = {1, 3, 3, 0, 3};
        assertEquals(1, new Sampler(Sampling.greedy(1), 5).draw(tied));
        assertEquals(1, new Sampler(new Sampling(1, 0, 1e-6, 1, 0), 5).draw(tied));
        Sampler two = new Sampler(new Sampling(1, 2, 1, 1, 0), 5);
        assertTrue(IntStream.range(0, 200).map(i -> two.draw(tied)).allMatch(t -> t == 1 || t == 2));
    }

    @Test
    void extremeLogits() {
        float[] wide = {-3e38f, 3e38f, 3e38f, -1e-45f};
        Sampler sampler = new Sampler(new Sampling(0.01, 0, 0.99, 1, 0), 4);
        assertTrue(IntStream.range(0, 200).map(i -> sampler.draw(wide)).allMatch(t -> t == 1 || t == 2));
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 1", "1, 0, 1", "1, 50, 1", "1, 0, 0.9", "0.8, 200, 0.95"})
    void drawingAllocatesNothing(double temperature, int topK, double topP) {
        float[] logits = new float[50257];
        Rng rng = Rng.of(1);
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) (3 * rng.nextGaussian());
        }
        Sampler sampler = new Sampler(new Sampling(temperature, topK, topP, 1, 1), logits.length);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = sampler.draw(logits);
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 20; i++) {
            sum += sampler.draw(logits);
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(sum >= 0 && allocated < 2000, allocated + " bytes");
    }
}
