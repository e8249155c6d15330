// SPDX-License-Identifier: Apache-2.0
package io.eslm.select.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.DivergedError;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.select.MethodSpec;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import io.eslm.tensor.backend.Storage;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A backend that says that it runs ahead gets the losses of a step read at the end, and chooses tokens by itself: the same bits as
 * where the host chooses, and as few reads for many micro-batches as for one.
 */
class LaterLossesTest {
    private static final int STEPS = 6;
    private static final Gpt2Config CONFIG =
            Gpt2Config.of(2, 2, 16, 12).with(Gpt2Config.VOCAB_SIZE, 31).with(Gpt2Config.DROPOUT, 0.1);
    @TempDir
    private Path dir;

    /** What a run has logged and learned, and how often each of its steps has read and waited for a device. */
    record Run(List<TrainEvent.Step> steps, float[] weights, List<Integer> reads, List<Long> waits) {
    }

    /** Counts reads; runs ahead if {@code ahead}. */
    private static Backend counting(Backend backend, boolean ahead, int[] reads) {
        return (Backend) Proxy.newProxyInstance(Backend.class.getClassLoader(), new Class<?>[] {Backend.class},
                (self, method, args) -> {
                    reads[0] += method.getName().equals("read") ? 1 : 0;
                    try {
                        return switch (method.getName()) {
                            case "runsAhead" -> ahead;
                            case "equals" -> self == args[0];
                            default -> method.invoke(backend, args);
                        };
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private TokenData data(String name, IntUnaryOperator token) throws IOException {
        return data(dir.resolve(name), token);
    }

    static TokenData data(Path dir, IntUnaryOperator token) throws IOException {
        Path folder = Files.createDirectories(dir);
        ByteBuffer bytes = ByteBuffer.allocate(2 * 2000).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 2000; i++) {
            bytes.putShort((short) token.applyAsInt(i));
        }
        Files.write(folder.resolve("train.bin"), bytes.array());
        return TokenData.open(folder);
    }

    private TokenData random() throws IOException {
        Rng rng = Rng.of(5);
        return data("random", _ -> rng.nextInt(31));
    }

    private static Run run(boolean ahead, String method, TokenData data, int gradAccum, double dropout) {
        return run("vector", ahead, method, data, gradAccum, dropout);
    }

    static Run run(String name, boolean ahead, String method, TokenData data, int gradAccum, double dropout) {
        return run(name, ahead, method, data, gradAccum, dropout, OptionalInt.empty());
    }

    /** @param end the token that ends a document, if documents are separated */
    static Run run(String name, boolean ahead, String method, TokenData data, int gradAccum, double dropout,
            OptionalInt end) {
        TrainOptions options = TrainOptions.defaults().with(TrainOptions.MAX_ITERS, STEPS)
                .with(TrainOptions.BATCH_SIZE, 4)
                .with(TrainOptions.GRAD_ACCUM, gradAccum).with(TrainOptions.LEARNING_RATE, 5e-3)
                .with(TrainOptions.MIN_LR, 5e-4).with(TrainOptions.WARMUP_ITERS, 2).with(TrainOptions.EVAL_INTERVAL, 0)
                .with(TrainOptions.SEED, 11L);
        int[] reads = {0};
        try (Backend plain = Backends.open(name, 1)) {
            Backend backend = counting(plain, ahead, reads);
            Gpt2Config config = CONFIG.with(Gpt2Config.DROPOUT, dropout);
            Gpt2 model = new Gpt2(config, backend, Weights.random(config, backend, Rng.of(3)));
            List<TrainEvent.Step> steps = new ArrayList<>();
            List<Integer> each = new ArrayList<>();
            List<Long> waits = new ArrayList<>();
            try (Trainer trainer =
                    new Trainer(model, MethodSpec.parse(method).objective(_ -> null), data, options, _ -> {})) {
                model.separateDocuments(end);
                for (int i = 0; i < STEPS; i++) {
                    reads[0] = 0;
                    long before = plain.waits();
                    steps.add(trainer.oneStep());
                    each.add(reads[0]);
                    waits.add(plain.waits() - before);
                }
            }
            float[] weights = model.parameters().values().stream().map(p -> p.value().toFloats())
                    .reduce(new float[0], LaterLossesTest::joined);
            return new Run(steps, weights, each, waits);
        }
    }

    private static float[] joined(float[] a, float[] b) {
        float[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    static void assertSame(Run host, Run ahead) {
        for (int i = 0; i < STEPS; i++) {
            TrainEvent.Step a = host.steps.get(i);
            TrainEvent.Step b = ahead.steps.get(i);
            assertEquals(a.loss(), b.loss(), "step " + i);
            assertEquals(a.keptLoss(), b.keptLoss(), "step " + i);
            assertEquals(a.keptFraction(), b.keptFraction(), "step " + i);
            assertEquals(a.alpha(), b.alpha(), "step " + i);
            assertEquals(a.valueAtRisk(), b.valueAtRisk(), "step " + i);
            assertEquals(a.gradNorm(), b.gradNorm(), "step " + i);
        }
        assertArrayEquals(host.weights, ahead.weights);
    }

    @ParameterizedTest
    @ValueSource(strings = {"clm", "cvar-loss:alpha=0.3", "cvar-loss:alpha=0", "var-entropy:alpha=0.4",
        "ada-cvar-loss:alpha=0.3,interval=2", "ada-var-entropy:alpha=0.3,interval=2"})
    void theChoiceAndItsBitsAreThoseOfTheHost(String method) throws IOException {
        Run host = run(false, method, random(), 3, 0.1);
        Run ahead = run(true, method, random(), 3, 0.1);
        assertSame(host, ahead);
        assertEquals(host.steps.getLast().flops(), ahead.steps.getLast().flops(), "nothing was computed twice");
    }

    @ParameterizedTest
    @CsvSource({"clm", "cvar-loss:alpha=0.3", "var-entropy:alpha=0.4"})
    void aStepReadsAsOftenForManyMicroBatchesAsForOne(String method) throws IOException {
        int one = run(true, method, random(), 1, 0.1).reads.getLast();
        assertEquals(2, one, "the losses, with the entropies, and the gradient's norm");
        assertEquals(one, run(true, method, random(), 9, 0.1).reads.getLast());
        assertTrue(run(false, method, random(), 9, 0.1).reads.getLast() >= 10, "what it is compared with");
    }

    /** All tokens are equal, so whole columns of losses are: more tokens than M − k + 1 are at or above the threshold. */
    @Test
    void moreTiesThanFitAreKeptAllTheSame() throws IOException {
        TokenData data = data("equal", _ -> 7);
        Run host = run(false, "cvar-loss:alpha=0.3", data, 2, 0);
        assertTrue(host.steps.stream().anyMatch(s -> s.keptFraction() * 48 > 35), "M − k + 1 of 48 are 34");
        Run ahead = run(true, "cvar-loss:alpha=0.3", data, 2, 0);
        assertSame(host, ahead);
        assertTrue(ahead.steps.getFirst().flops().total() > host.steps.getFirst().flops().total(),
                "the step was taken twice");
    }

    @Test
    void aLossThatIsNotFiniteIsReportedAsByTheHost() throws IOException {
        TokenData data = random();
        String host = assertThrows(DivergedError.class, () -> diverging(false, data)).getMessage();
        String ahead = assertThrows(DivergedError.class, () -> diverging(true, data)).getMessage();
        assertEquals(host, ahead);
    }

    private static void diverging(boolean ahead, TokenData data) {
        TrainOptions options =
                TrainOptions.defaults().with(TrainOptions.MAX_ITERS, STEPS).with(TrainOptions.BATCH_SIZE, 4)
                        .with(TrainOptions.GRAD_ACCUM, 3).with(TrainOptions.EVAL_INTERVAL, 0);
        try (Backend plain = Backends.open("vector", 1)) {
            Backend backend = counting(plain, ahead, new int[1]);
            Gpt2 model = new Gpt2(CONFIG, backend, Weights.random(CONFIG, backend, Rng.of(3)));
            Storage some = model.parameters().values().iterator().next().value().storage();
            backend.write(some, new float[] {Float.NaN}, 0, 1);
            try (Trainer trainer = new Trainer(model, MethodSpec.parse("cvar-loss").objective(_ -> null), data, options,
                    _ -> {})) {
                for (int i = 0; i < STEPS; i++) {
                    trainer.oneStep();
                }
            }
        }
    }
}
