// SPDX-License-Identifier: Apache-2.0
package io.eslm.inspect;

import io.eslm.gpt2.tokenizer.TokenTexts;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.inspect.ActivationCache;
import io.eslm.gpt2.inspect.Inspection;
import io.eslm.gpt2.train.Objective;
import io.eslm.select.MethodSpec;
import io.eslm.select.token.Risk;
import io.eslm.select.token.TokenScores;
import io.eslm.select.token.ValueAtRisk;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.UserError;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a page shows is what the model computes. */
class LookTest {
    private static final int T = 20;
    private static final int V = 61;
    private static final int[] IDS = IntStream.rangeClosed(0, T).map(i -> (i * 7 + i * i) % V).toArray();
    private static Backend backend;
    private static Gpt2 model;
    private static ActivationCache cache;

    @BeforeAll
    static void run() {
        backend = Backends.open("scalar", 1);
        // Weights far larger than at the beginning of a training, so that heads and guesses differ.
        Gpt2Config config = Gpt2Config.of(3, 2, 16, 32).with(Gpt2Config.VOCAB_SIZE, V);
        Weights small = Weights.random(config, backend, Rng.of(5));
        model = new Gpt2(config, backend, (path, dims) -> {
            Tensor t = small.load(path, dims);
            float[] values = t.toFloats();
            for (int i = 0; dims.length == 2 && i < values.length; i++) {
                values[i] *= 20;
            }
            return Tensor.of(backend, values, dims);
        });
        cache = Inspection.run(model, IDS, new Objective.Mean(), "*", "*.grad");
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    private static Insight look(String method, boolean backward) {
        return new Look(model, IDS, TokenTexts.UNKNOWN).insight("tiny",
                Optional.ofNullable(method).map(m -> MethodSpec.parse(m).objective(_ -> model)), backward);
    }

    private static float norm(float[] values, int row, int width) {
        double sum = 0;
        for (int i = row * width; i < (row + 1) * width; i++) {
            sum += (double) values[i] * values[i];
        }
        return (float) Math.sqrt(sum);
    }

    @Test
    void lossesGuessesAndLensAreTheModels() {
        Insight look = look(null, false);
        assertArrayEquals(cache.get("loss").toFloats(), look.loss());
        assertArrayEquals(cache.get("entropy").toFloats(), look.entropy());
        assertNull(look.gradients());
        float[] logits = cache.get("logits").toFloats();
        for (int p = 0; p < T; p++) {
            int at = p * V;
            int[] order = IntStream.range(0, V).boxed().sorted((a, b) -> Float.compare(logits[at + b], logits[at + a]))
                    .mapToInt(i -> i).toArray();
            for (int k = 0; k < 5; k++) {
                assertEquals(order[k], look.likeliest().ids()[p * 5 + k]);
            }
            int answer = IDS[p + 1];
            assertEquals(1 + IntStream.range(0, V).filter(v -> logits[at + v] > logits[at + answer]).count(),
                    look.likeliest().rank()[p]);
            // The loss is −log p, in another order of summation.
            assertEquals(Math.exp(-look.loss()[p]), look.likeliest().target()[p], 1e-5);
            double sum = IntStream.range(0, V).mapToDouble(v -> Math.exp(logits[at + v])).sum();
            assertEquals(Math.exp(logits[at + order[0]]) / sum, look.likeliest().p()[p * 5], 1e-5);
            assertEquals(order[0], look.lens()[2].ids()[p], "the lens after the last block is the model's answer");
        }
        Guesses first = Guesses.of(model, new io.eslm.tensor.backend.Workspace(backend),
                cache.get("resid_post", 0).toFloats(), look.lens()[0].ids(), 1);
        assertArrayEquals(first.ids(), look.lens()[0].ids());
        assertTrue(IntStream.of(first.rank()).allMatch(r -> r == 1), "a guess has rank 1 if it is what is asked for");
        assertTrue(!java.util.Arrays.equals(look.lens()[0].ids(), look.lens()[2].ids()), "blocks change the guess");
    }

    @Test
    void attentionIsRightToItsStep() {
        Insight look = look(null, false);
        for (int l = 0; l < 3; l++) {
            float[] pattern = cache.get("attn.pattern", l).toFloats();
            for (int h = 0; h < 2; h++) {
                byte[] triangle = Unpacked.inflated(look.attention().triangles()[l * 2 + h]);
                for (int q = 0, i = 0; q < T; q++) {
                    for (int s = 0; s <= q; s++, i++) {
                        float p = pattern[(h * T + q) * T + s];
                        int stored = triangle[i] & 255;
                        assertEquals(255 * Math.sqrt(p), stored, 0.5001, "half a step of 255·√p");
                        assertEquals(p, Math.pow(stored / 255.0, 2), 0.004, "as the class says");
                        assertEquals(stored, look.attention().small()[((l * 2 + h) * T + q) * T + s] & 255);
                    }
                }
            }
        }
    }

    @Test
    void aSmallPictureKeepsTheLargestWeightOfEachPixel() {
        int t = 100;
        float[] diagonal = new float[t * t];
        for (int q = 0; q < t; q++) {
            diagonal[q * t + q] = 1;
        }
        AttentionBytes bytes = new AttentionBytes(1, 1, t);
        bytes.put(0, diagonal);
        assertEquals(AttentionBytes.SMALL, bytes.side());
        for (int i = 0; i < bytes.side(); i++) {
            assertEquals(255, bytes.small()[i * bytes.side() + i] & 255, "a thin diagonal is not lost");
            assertEquals(0, bytes.small()[i * bytes.side() + bytes.side() - 1 - i] & 255);
        }
    }

    @Test
    void normsAndGradientsAreOfTheActivations() {
        Insight look = look("cvar-loss:alpha=0.4", true);
        ActivationCache masked =
                Inspection.run(model, IDS, MethodSpec.parse("cvar-loss:alpha=0.4").objective(_ -> model),
                        "blocks.*.resid_post.grad", "kept");
        assertEquals(Risk.LOSS, look.choice().risk());
        assertEquals(0.4, look.choice().alpha());
        boolean[] kept = new TokenScores(look.ids(), look.loss(), look.entropy())
                .selected((loss, _, _) -> ValueAtRisk.keepTail(loss, 0.4)).clone();
        int dropped = 0;
        for (int p = 0; p < T; p++) {
            assertEquals(norm(cache.get("resid_pre", 0).toFloats(), p, 16), look.norms().residual()[p]);
            for (int l = 0; l < 3; l++) {
                assertEquals(norm(cache.get("resid_post", l).toFloats(), p, 16),
                        look.norms().residual()[(l + 1) * T + p]);
                assertEquals(norm(cache.get("attn_out", l).toFloats(), p, 16), look.norms().attention()[l * T + p]);
                assertEquals(norm(cache.get("mlp_out", l).toFloats(), p, 16), look.norms().mlp()[l * T + p]);
                assertEquals(norm(cache.get("resid_post.grad", l).toFloats(), p, 16),
                        look.gradients().all()[l * T + p]);
                assertEquals(norm(masked.get("resid_post.grad", l).toFloats(), p, 16),
                        look.gradients().kept()[l * T + p]);
            }
            assertEquals(kept[p], look.choice().kept()[p]);
            assertEquals(kept[p], look.gradients().kept()[2 * T + p] > 0, "the mask ends in the last block");
            dropped += kept[p] ? 0 : 1;
        }
        assertEquals(7, dropped);
    }

    @Test
    void methodsThatDoNotGoByTheTailOfARiskShowWhatTheyKept() {
        Insight.Choice sampled = look("risk-sampling:keep-ratio=0.5", false).choice();
        assertNull(sampled.risk());
        long kept = IntStream.range(0, T).filter(p -> sampled.kept()[p]).count();
        assertTrue(kept > 0 && kept < T, kept + " of " + T);
        Insight.Choice all = look("clm", true).choice();
        assertEquals("clm", all.method());
        assertTrue(IntStream.range(0, T).allMatch(p -> all.kept()[p]));
        assertEquals(Risk.ENTROPY, look("var-entropy:alpha=0.2", false).choice().risk());
    }

    @Test
    void theStrongestTokensOfANeuronAreSorted() {
        Insight look = look(null, false);
        float[] activations = cache.get("mlp.post", 1).toFloats();
        int n = 64;
        ByteBuffer bytes = ByteBuffer.wrap(Unpacked.inflated(look.neurons()[1])).order(ByteOrder.LITTLE_ENDIAN);
        int top = StrongestTokens.TOP;
        assertEquals(n * (4 + 3 * top), bytes.capacity());
        for (int unit = 0; unit < n; unit++) {
            int u = unit;
            int[] best = IntStream.range(0, T).filter(p -> activations[p * n + u] > 0).boxed()
                    .sorted((a, b) -> Float.compare(activations[b * n + u], activations[a * n + u])).mapToInt(i -> i)
                    .limit(top).toArray();
            float peak = bytes.getFloat(4 * unit);
            assertEquals(best.length == 0 ? 0 : activations[best[0] * n + u], peak);
            for (int k = 0; k < top; k++) {
                int share = bytes.get(n * (4 + 2 * top) + unit * top + k) & 255;
                if (k < best.length) {
                    assertEquals(best[k], bytes.getShort(4 * n + 2 * (unit * top + k)));
                    assertEquals(activations[best[k] * n + u] / peak * 255, share, 0.5001);
                } else {
                    assertEquals(0, share);
                }
            }
        }
    }

    @Test
    void aTextMustFitTheModel() {
        assertEquals("the text has 34 tokens, but the model reads 32 at once; give at most 33",
                assertThrows(UserError.class,
                        () -> new Inspector(model, new int[34], TokenTexts.UNKNOWN, Optional.empty())).getMessage());
        assertTrue(
                assertThrows(UserError.class,
                        () -> new Inspector(model, new int[] {1}, TokenTexts.UNKNOWN, Optional.empty())).getMessage()
                        .startsWith("the text has 1 tokens"));
        assertTrue(assertThrows(UserError.class,
                () -> new Inspector(model, new int[] {1, V}, TokenTexts.UNKNOWN, Optional.empty()))
                .getMessage().startsWith("token 1 (counted from 0) has id " + V));
    }
}
