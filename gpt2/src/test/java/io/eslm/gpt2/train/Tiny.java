// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2.TokenLosses;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.MicroBatch.Loss;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Models and token files small enough to be trained in a test. */
public final class Tiny {
    public static final int VOCABULARY = 48;

    private Tiny() {
    }

    /** Two blocks, with dropout. */
    public static Gpt2Config config() {
        return Gpt2Config.of(2, 2, 24, 16).with(Gpt2Config.VOCAB_SIZE, VOCABULARY).with(Gpt2Config.DROPOUT, 0.1);
    }

    public static Gpt2 model(Gpt2Config config, Backend backend) {
        return new Gpt2(config, backend, Weights.random(config, backend, Rng.of(3)));
    }

    /** A prepared folder in which two in three tokens follow from the one before. */
    public static TokenData data(Path dir, int vocabulary) {
        try {
            Files.createDirectories(dir);
            write(dir.resolve("train.bin"), 4000, vocabulary, Rng.of(1));
            write(dir.resolve("val.bin"), 500, vocabulary, Rng.of(2));
            return TokenData.open(dir);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(Path file, int tokens, int vocabulary, Rng rng) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(2 * tokens).order(ByteOrder.LITTLE_ENDIAN);
        int token = 0;
        for (int i = 0; i < tokens; i++) {
            token = rng.nextInt(3) < 2 ? (5 * token + 3) % vocabulary : rng.nextInt(vocabulary);
            bytes.putShort((short) token);
        }
        Files.write(file, bytes.array());
    }

    /** Two micro-batches a step, warm-up, cosine, clipping, and nothing between the steps. */
    public static TrainOptions options(int maxIters) {
        return TrainOptions.defaults().with(TrainOptions.MAX_ITERS, maxIters).with(TrainOptions.BATCH_SIZE, 4)
                .with(TrainOptions.GRAD_ACCUM, 2).with(TrainOptions.LEARNING_RATE, 5e-3).with(TrainOptions.MIN_LR, 5e-4)
                .with(TrainOptions.WARMUP_ITERS, 5).with(TrainOptions.EVAL_INTERVAL, 0).with(TrainOptions.EVAL_ITERS, 2)
                .with(TrainOptions.SEED, 11L);
    }

    /** Keeps the tokens with a loss above the mean, so that their number changes from step to step; counts its calls. */
    public static final class AboveMean implements Objective {
        private long calls;

        @Override
        public String name() {
            return "above-mean";
        }

        @Override
        public Loss of(MicroBatch batch) {
            calls++;
            TokenLosses losses = batch.losses();
            double mean = 0;
            for (float loss : losses.lossValues()) {
                mean += loss / batch.tokens();
            }
            boolean[] keep = new boolean[batch.tokens()];
            for (int i = 0; i < keep.length; i++) {
                keep[i] = losses.lossValues()[i] >= mean * (calls % 2 == 0 ? 1 : 0.9) || batch.rng().nextInt(10) == 0;
            }
            return batch.over(Selection.mean(keep, mean, 0.5), losses);
        }

        @Override
        public JsonObject state() {
            JsonObject state = new JsonObject();
            state.addProperty("calls", calls);
            return state;
        }

        @Override
        public void restore(JsonObject state) {
            calls = state.get("calls").getAsLong();
        }
    }
}
