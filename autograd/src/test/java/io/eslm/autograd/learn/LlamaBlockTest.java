// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.learn;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * A Llama-style model on the public API: RMSNorm, rotary embedding, causal attention from simple ops, SwiGLU, tied head. It
 * learns to repeat what it has read: eight random tokens, then the same eight again.
 */
class LlamaBlockTest {
    private static final int VOCABULARY = 16;
    private static final int LENGTH = 8;
    private static final int TIME = 2 * LENGTH - 1;
    private static final int WIDTH = 32;
    private static final int HEADS = 2;

    private static final class Llama extends Module {
        private final Parameter embedding;
        private final Parameter norm1;
        private final Parameter norm2;
        private final Parameter norm3;
        private final Parameter qkv;
        private final Parameter out;
        private final Parameter gate;
        private final Parameter up;
        private final Parameter down;

        Llama(Backend backend, Rng rng) {
            embedding = normal(backend, rng, "embedding", VOCABULARY, WIDTH);
            norm1 = ones(backend, "norm1");
            norm2 = ones(backend, "norm2");
            norm3 = ones(backend, "norm3");
            qkv = normal(backend, rng, "qkv", WIDTH, 3 * WIDTH);
            out = normal(backend, rng, "out", WIDTH, WIDTH);
            gate = normal(backend, rng, "gate", WIDTH, 3 * WIDTH);
            up = normal(backend, rng, "up", WIDTH, 3 * WIDTH);
            down = normal(backend, rng, "down", 3 * WIDTH, WIDTH);
        }

        private Parameter normal(Backend backend, Rng rng, String name, int... dims) {
            double std = 1 / Math.sqrt(dims[0]);
            return parameter(name, new Parameter(Tensor.randn(backend, DType.F32, rng, std, dims)));
        }

        private Parameter ones(Backend backend, String name) {
            return parameter(name, new Parameter(Tensor.full(backend, DType.F32, 1, WIDTH)));
        }

        /** Tokens (B, T) → logits (B·T, V). */
        Variable forward(Tape tape, Tensor tokens) {
            Variable x = embedding.on(tape).gather(tokens); // (B·T, C)
            x = x.add(attention(x.rmsNorm(norm1), tokens.dim(0)));
            Variable h = x.rmsNorm(norm2);
            x = x.add(h.matmul(gate).silu().mul(h.matmul(up)).matmul(down));
            return x.rmsNorm(norm3).matmulTransposed(embedding);
        }

        private Variable attention(Variable x, int batch) {
            Variable[] heads = x.matmul(qkv).split(WIDTH, -1).stream()
                    .map(part -> part.reshape(batch, -1, HEADS, WIDTH / HEADS).transpose(1, 2))
                    .toArray(Variable[]::new);
            Variable y = heads[0].rotary().attention(heads[1].rotary(), heads[2], true); // (B, NH, T, HS)
            return y.transpose(1, 2).reshape(-1, WIDTH).matmul(out);
        }
    }

    /** Sequences (B, 2·LENGTH) whose second half repeats the first. */
    private static int[][] draw(int batch, Rng rng) {
        int[][] sequences = new int[batch][2 * LENGTH];
        for (int[] s : sequences) {
            Arrays.setAll(s, i -> i < LENGTH ? rng.nextInt(VOCABULARY) : s[i - LENGTH]);
        }
        return sequences;
    }

    private static int[] columns(int[][] sequences, int from, int to) {
        return Arrays.stream(sequences).flatMapToInt(s -> Arrays.stream(s, from, to)).toArray();
    }

    /** Logits of the second half (B·LENGTH, V). */
    private static Variable secondHalf(Llama model, Tape tape, int[][] sequences) {
        Tensor tokens = tape.put(columns(sequences, 0, TIME), sequences.length, TIME);
        return model.forward(tape, tokens).reshape(-1, TIME, VOCABULARY).slice(1, LENGTH - 1, TIME);
    }

    @Test
    void learnsToRepeat() {
        try (Backend backend = Backends.open("vector", 2)) {
            Llama model = new Llama(backend, Rng.of(1));
            AdamW optimizer = new AdamW(model.parameters(), AdamWOptions.DEFAULT);
            Workspace workspace = new Workspace(backend);
            Rng data = Rng.of(2);
            double guessing = Math.log(VOCABULARY);
            double before = loss(model, workspace);
            assertTrue(before > 0.9 * guessing, "an untrained model must guess: " + before);
            for (int step = 0; step < 120; step++) {
                int[][] batch = draw(32, data);
                try (Tape tape = Tape.recording(workspace, Rng.of(step))) {
                    secondHalf(model, tape, batch).crossEntropy(columns(batch, LENGTH, 2 * LENGTH)).backward();
                }
                optimizer.step(3e-3);
            }
            double loss = loss(model, workspace);
            assertTrue(loss < 0.1,
                    "loss " + loss + " nats on new sequences, guessing is " + guessing + ", seeds 1 and 2");
        }
    }

    /** Mean loss of the second half of new sequences, in nats. */
    private static double loss(Llama model, Workspace workspace) {
        int[][] test = draw(64, Rng.of(3));
        try (Tape tape = Tape.evaluation(workspace)) {
            return secondHalf(model, tape, test).crossEntropy(columns(test, LENGTH, 2 * LENGTH)).item();
        }
    }
}
