// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.learn;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.nn.Linear;
import io.eslm.autograd.nn.Module;
import io.eslm.autograd.nn.Sequential;
import io.eslm.autograd.optim.AdamW;
import io.eslm.autograd.optim.AdamWOptions;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Workspace;
import org.junit.jupiter.api.Test;

/** LeNet-5 (LeCun et al. 1998) on the public API learns digits of MNIST's size: drawn, shifted, of varying ink, in noise. */
class LeNetTest {
    private static final int SIZE = 28;
    /** Seven rows of five pixels for each digit. */
    private static final String[] GLYPHS = {"01110 10001 10011 10101 11001 10001 01110",
        "00100 01100 00100 00100 00100 00100 01110", "01110 10001 00001 00010 00100 01000 11111",
        "11111 00010 00100 00010 00001 10001 01110", "00010 00110 01010 10010 11111 00010 00010",
        "11111 10000 11110 00001 00001 10001 01110", "00110 01000 10000 11110 10001 10001 01110",
        "11111 00001 00010 00100 01000 01000 01000", "01110 10001 10001 01110 10001 10001 01110",
        "01110 10001 10001 01111 00001 00010 01100"};

    /** Images (B, 1, 28, 28) and what they show. */
    private record Batch(float[] pixels, int[] digits) {
        static Batch draw(int n, Rng rng) {
            float[] pixels = new float[n * SIZE * SIZE];
            int[] digits = new int[n];
            for (int b = 0; b < n; b++) {
                digits[b] = rng.nextInt(10);
                int top = 2 + rng.nextInt(4);
                int left = 4 + rng.nextInt(6);
                double ink = 0.7 + 0.6 * rng.nextDouble();
                String[] rows = GLYPHS[digits[b]].split(" ");
                for (int i = 0; i < SIZE * SIZE; i++) {
                    int y = Math.floorDiv(i / SIZE - top, 3);
                    int x = Math.floorDiv(i % SIZE - left, 3);
                    boolean on = y >= 0 && y < 7 && x >= 0 && x < 5 && rows[y].charAt(x) == '1';
                    pixels[b * SIZE * SIZE + i] = (float) ((on ? ink : 0) + 0.3 * rng.nextGaussian());
                }
            }
            return new Batch(pixels, digits);
        }
    }

    private static final class LeNet extends Module {
        private final Parameter w1;
        private final Parameter b1;
        private final Parameter w2;
        private final Parameter b2;
        private final Sequential head;

        LeNet(Backend backend, Rng rng) {
            w1 = parameter("w1", new Parameter(Tensor.randn(backend, DType.F32, rng, 0.2, 6, 1, 5, 5)));
            b1 = parameter("b1", new Parameter(Tensor.zeros(backend, DType.F32, 6)));
            w2 = parameter("w2", new Parameter(Tensor.randn(backend, DType.F32, rng, 0.1, 16, 6, 5, 5)));
            b2 = parameter("b2", new Parameter(Tensor.zeros(backend, DType.F32, 16)));
            head = part("head", new Sequential(Linear.of(backend, 16 * 4 * 4, 120, rng), Variable::relu,
                    Linear.of(backend, 120, 84, rng), Variable::relu, Linear.of(backend, 84, 10, rng)));
        }

        /** Images (B, 1, 28, 28) → logits (B, 10). */
        Variable forward(Variable images) {
            Variable x = images.conv2d(w1, b1).relu().maxPool2d(2); // (B, 6, 12, 12)
            x = x.conv2d(w2, b2).relu().maxPool2d(2); // (B, 16, 4, 4)
            return head.forward(x.reshape(-1, 16 * 4 * 4));
        }
    }

    @Test
    void learnsToReadDigits() {
        try (Backend backend = Backends.open("vector", 2)) {
            LeNet model = new LeNet(backend, Rng.of(1));
            AdamW optimizer = new AdamW(model.parameters(), AdamWOptions.DEFAULT);
            Workspace workspace = new Workspace(backend);
            Rng data = Rng.of(2);
            assertTrue(accuracy(model, workspace) < 0.3, "an untrained model must guess");
            for (int step = 0; step < 150; step++) {
                Batch batch = Batch.draw(32, data);
                try (Tape tape = Tape.recording(workspace, Rng.of(step))) {
                    logits(model, tape, batch).crossEntropy(batch.digits).backward();
                }
                optimizer.step(3e-3);
            }
            double accuracy = accuracy(model, workspace);
            assertTrue(accuracy > 0.95, "accuracy " + accuracy + " on new digits, seeds 1 and 2");
        }
    }

    private static Variable logits(LeNet model, Tape tape, Batch batch) {
        return model.forward(tape.constant(tape.put(batch.pixels, batch.digits.length, 1, SIZE, SIZE)));
    }

    /** The share of 500 new digits that the model reads. */
    private static double accuracy(LeNet model, Workspace workspace) {
        Batch test = Batch.draw(500, Rng.of(3));
        try (Tape tape = Tape.evaluation(workspace)) {
            Tensor best = tape.memory(DType.I32, 500);
            logits(model, tape, test).topk(1, best);
            int[] guesses = best.toInts();
            int right = 0;
            for (int i = 0; i < guesses.length; i++) {
                right += guesses[i] == test.digits[i] ? 1 : 0;
            }
            return right / 500.0;
        }
    }
}
