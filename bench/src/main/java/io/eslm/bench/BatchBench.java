// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench;

import com.google.gson.JsonObject;
import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.PagedModel;
import io.eslm.gpt2.generate.BatchGenerator;
import io.eslm.gpt2.generate.BatchLimits;
import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Generator;
import io.eslm.gpt2.generate.Listener;
import io.eslm.gpt2.generate.Request;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.generate.TokenLogprobs;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.apache.commons.statistics.descriptive.Median;

/**
 * Times greedy decoding of many sequences that are submitted at once, after a check that one of them has the tokens of the plain
 * generator.
 *
 * @param same whether all have the same prompt
 */
record BatchBench(Gpt2 model, String name, String weights, int prompt, int fresh, int batch, boolean same) {
    private static final Median MEDIAN = Median.withDefaults();
    private static final int PAGE = 16;

    /** Hears one sequence. */
    private static final class Timed implements Listener {
        final List<Integer> tokens = new ArrayList<>();
        final CountDownLatch ended;
        long first;
        long last;
        long longest;
        volatile Throwable error;

        Timed(CountDownLatch ended) {
            this.ended = ended;
        }

        @Override
        public boolean onToken(int id, TokenLogprobs logprobs) {
            long now = System.nanoTime();
            first = tokens.isEmpty() ? now : first;
            longest = tokens.isEmpty() ? 0 : Math.max(longest, now - last);
            last = now;
            return tokens.add(id);
        }

        @Override
        public void onEnd(Generation.End end, Throwable why) {
            error = why;
            ended.countDown();
        }
    }

    /** The medians of so many runs after one that does not count; each run has prompts of its own. */
    JsonObject run(int runs) {
        long pages = (long) batch * ((prompt + fresh + PAGE - 1) / PAGE);
        BatchLimits limits = new BatchLimits(PAGE, pages * PagedModel.pageBytes(model.config(), PAGE), batch, batch);
        double[] seconds = new double[runs];
        double[] first = new double[runs];
        double[] last = new double[runs];
        double[] gap = new double[runs];
        double[] bytes = new double[runs];
        int vocabulary = model.config().vocabSize();
        try (BatchGenerator generator = new BatchGenerator(model, vocabulary, -1, limits)) {
            for (int r = -1; r < runs; r++) {
                long allocated = allocated();
                long start = System.nanoTime();
                List<Timed> all = once(generator, r);
                long end = all.stream().mapToLong(t -> t.last).max().orElseThrow();
                if (r < 0) {
                    int[] want =
                            new Generator(model, vocabulary, -1).generate(ids(0, r), Sampling.greedy(fresh), t -> true)
                                    .tokens();
                    if (!Arrays.stream(want).boxed().toList().equals(all.getFirst().tokens)) {
                        throw new IllegalStateException("the batch's tokens differ from the generator's");
                    }
                    continue;
                }
                seconds[r] = (end - start) * 1e-9;
                first[r] = MEDIAN.evaluate(all.stream().mapToDouble(t -> (t.first - start) * 1e-9).toArray());
                last[r] = all.stream().mapToDouble(t -> (t.first - start) * 1e-9).max().orElseThrow();
                gap[r] = all.stream().mapToDouble(t -> t.longest * 1e-9).max().orElseThrow();
                bytes[r] = (double) (allocated() - allocated) / (batch * fresh);
            }
            return figures(generator, seconds, first, last, gap, bytes);
        }
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
    }

    private int[] ids(int sequence, int run) {
        int vocabulary = model.config().vocabSize();
        int from = 131 * (same ? 0 : sequence) + 10007 * (run + 1);
        return IntStream.range(0, prompt).map(i -> (from + i) % vocabulary).toArray();
    }

    private List<Timed> once(BatchGenerator generator, int run) {
        CountDownLatch ended = new CountDownLatch(batch);
        List<Timed> all = new ArrayList<>();
        for (int s = 0; s < batch; s++) {
            all.add(new Timed(ended));
            generator.submit(Request.of(ids(s, run), Sampling.greedy(fresh)), all.getLast());
        }
        try {
            ended.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        all.stream().filter(t -> t.error != null).forEach(t -> {
            throw new IllegalStateException(t.error);
        });
        return all;
    }

    private JsonObject figures(BatchGenerator generator, double[] seconds, double[] first, double[] last, double[] gap,
            double[] bytes) {
        double whole = MEDIAN.evaluate(seconds);
        JsonObject result = new JsonObject();
        result.addProperty("model", name);
        result.addProperty("parameters", model.config().parameterCount());
        result.addProperty("weights", weights);
        result.addProperty("backend", model.backend().description());
        result.addProperty("batch", batch);
        result.addProperty("prompt_tokens", prompt);
        result.addProperty("new_tokens", fresh);
        result.addProperty("pool_bytes", generator.poolBytes());
        Figures.add(result, "total_s", whole);
        Figures.add(result, "new_tokens_per_s", batch * fresh / whole);
        Figures.add(result, "first_token_s", MEDIAN.evaluate(first));
        Figures.add(result, "last_first_token_s", MEDIAN.evaluate(last));
        Figures.add(result, "longest_wait_s", MEDIAN.evaluate(gap));
        Figures.add(result, "allocated_bytes_per_token", MEDIAN.evaluate(bytes));
        return result;
    }
}
