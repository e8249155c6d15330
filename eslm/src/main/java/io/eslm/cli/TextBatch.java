// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.PagedModel;
import io.eslm.gpt2.generate.BatchGenerator;
import io.eslm.gpt2.generate.BatchLimits;
import io.eslm.gpt2.generate.Generation;
import io.eslm.gpt2.generate.Listener;
import io.eslm.gpt2.generate.Request;
import io.eslm.gpt2.generate.Sampling;
import io.eslm.gpt2.generate.StopText;
import io.eslm.gpt2.generate.TokenLogprobs;
import io.eslm.gpt2.generate.TokenStream;
import io.eslm.gpt2.tokenizer.Tokenizer;
import it.unimi.dsi.fastutil.ints.IntArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;

/** Makes several texts at once. Each is, to the last character, the one that {@link TextMaker} makes alone. */
final class TextBatch {
    private static final int PAGE_TOKENS = 16;
    private static final int MOST_AT_ONCE = 32;
    /** Keys and values may take this part of the heap that is allowed. */
    private static final int PART_OF_HEAP = 4;

    /**
     * A text to be made.
     *
     * @param prompt as the user wrote it
     * @param begin its ids
     */
    record Wanted(String prompt, int[] begin, Sampling sampling) {
        private int tokens() {
            return Math.max(1, begin.length) + sampling.maxNewTokens();
        }
    }

    private TextBatch() {
    }

    /** True if there are several texts, and none is longer than the context of the model, whose backend works on this machine's memory. */
    static boolean takes(Gpt2 model, List<Wanted> all) {
        return all.size() > 1 && model.backend().launches() == 0
                && all.stream().allMatch(w -> w.tokens() <= model.config().blockSize());
    }

    /** Makes all; {@code out} gets each in the order of the list, as soon as those before it are made. */
    static void make(Gpt2 model, Tokenizer tokenizer, List<String> stops, List<Wanted> all,
            BiConsumer<Wanted, TextMaker.Made> out) {
        try (BatchGenerator generator =
                new BatchGenerator(model, Optional.of(tokenizer), limits(model.config(), all))) {
            List<Text> texts = all.stream().map(wanted -> new Text(tokenizer, stops)).toList();
            for (int i = 0; i < all.size(); i++) {
                generator.submit(Request.of(all.get(i).begin(), all.get(i).sampling()), texts.get(i));
            }
            for (int i = 0; i < all.size(); i++) {
                out.accept(all.get(i), texts.get(i).made.join());
            }
        }
    }

    private static BatchLimits limits(Gpt2Config config, List<Wanted> all) {
        long page = PagedModel.pageBytes(config, PAGE_TOKENS);
        long[] longest = all.stream().mapToLong(w -> Math.ceilDiv(w.tokens(), PAGE_TOKENS) + 1)
                .boxed().sorted((a, b) -> Long.compare(b, a)).limit(MOST_AT_ONCE).mapToLong(n -> n * page).toArray();
        long wanted = 0;
        for (long bytes : longest) {
            wanted += bytes;
        }
        return new BatchLimits(PAGE_TOKENS,
                Math.max(longest[0], Math.min(wanted, Runtime.getRuntime().maxMemory() / PART_OF_HEAP)), MOST_AT_ONCE,
                all.size());
    }

    /** One text as it comes to be, on the generator's thread. */
    private static final class Text implements Listener {
        private final CompletableFuture<TextMaker.Made> made = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private final IntArrayList tokens = new IntArrayList();
        private final StopText stops;
        private final TokenStream stream;
        private final long since = System.nanoTime();

        Text(Tokenizer tokenizer, List<String> stops) {
            this.stops = new StopText(stops, text::append);
            stream = new TokenStream(tokenizer, this.stops::add);
        }

        @Override
        public boolean onToken(int id, TokenLogprobs logprobs) {
            tokens.add(id);
            return stream.test(id);
        }

        @Override
        public void onEnd(Generation.End end, Throwable error) {
            if (error != null) {
                made.completeExceptionally(error);
                return;
            }
            if (end != Generation.End.STOPPED) {
                stream.end();
                stops.end();
            }
            made.complete(new TextMaker.Made(text.toString(), new Generation(tokens.toIntArray(), end, List.of()),
                    (System.nanoTime() - since) * 1e-9));
        }
    }
}
