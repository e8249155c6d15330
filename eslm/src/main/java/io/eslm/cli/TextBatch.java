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
import io.eslm.tensor.UserError;
import it.unimi.dsi.fastutil.ints.IntArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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

    /**
     * How many texts from number {@code from} on can be made at once: those that end within the context of the model. 0 if there
     * are less than two, or the backend cannot.
     */
    static int length(Gpt2 model, List<Wanted> all, int from) {
        int n = 0;
        while (from + n < all.size() && all.get(from + n).tokens() <= model.config().blockSize()) {
            n++;
        }
        return n > 1 && PagedModel.takes(model) ? n : 0;
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
                out.accept(all.get(i), texts.get(i).made());
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
        /** When its first token came, and whether it asked to stop. */
        private long since;
        private boolean stopped;

        Text(Tokenizer tokenizer, List<String> stops) {
            this.stops = new StopText(stops, text::append);
            stream = new TokenStream(tokenizer, this.stops::add);
        }

        /** Waits for it. */
        TextMaker.Made made() {
            try {
                return made.join();
            } catch (CompletionException e) {
                throw e.getCause() instanceof UserError known ? known : e;
            }
        }

        @Override
        public boolean onToken(int id, TokenLogprobs logprobs) {
            since = since == 0 ? System.nanoTime() : since;
            tokens.add(id);
            stopped = !stream.test(id);
            return !stopped;
        }

        @Override
        public void onEnd(Generation.End end, Throwable error) {
            try {
                if (error != null) {
                    throw error;
                }
                UserError.check(stopped || end != Generation.End.STOPPED,
                        "the texts were ended before they were whole");
                if (!stopped) {
                    stream.end();
                    stops.end();
                }
                double seconds = since == 0 ? Double.NaN : (System.nanoTime() - since) * 1e-9;
                made.complete(
                        new TextMaker.Made(text.toString(), new Generation(tokens.toIntArray(), end, List.of()),
                                seconds));
            } catch (Throwable e) { // who waits for the text is told
                made.completeExceptionally(e);
            }
        }
    }
}
