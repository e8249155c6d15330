// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.PagedModel;
import io.eslm.gpt2.generate.BatchGenerator;
import io.eslm.gpt2.generate.BatchLimits;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.tokenizer.Tokenizer;
import java.util.Optional;

/**
 * The model that a server has.
 *
 * @param name what clients call it
 * @param generator runs it
 * @param context most tokens of a sequence, with its prompt
 * @param created when it was loaded, in seconds since 1970
 */
record ServedModel(String name, Tokenizer tokenizer, BatchGenerator generator, int context, long created)
        implements AutoCloseable {
    /** Positions of a page of keys and values. */
    private static final int PAGE = 16;
    /** Of the cache, if the user does not say. */
    private static final long USUAL_BYTES = 1L << 30;

    /**
     * Starts to run {@code model}.
     *
     * @throws OptionError if the cache cannot hold one sequence as long as the context
     */
    static ServedModel open(Gpt2 model, Tokenizer tokenizer, String name, ServeOptions options) {
        int context = model.config().blockSize();
        long least = PagedModel.pageBytes(model.config(), PAGE) * ((context + PAGE - 1) / PAGE);
        long bytes = options.cacheBytes().orElse(Math.max(least, Math.min(USUAL_BYTES, options.maxRunning() * least)));
        if (bytes < least) {
            throw new OptionError(ServeOptions.CACHE_MB, bytes >> 20, "must be at least " + ((least >> 20) + 1)
                    + ", the keys and values of one text as long as the context of " + context + " tokens");
        }
        var limits = new BatchLimits(PAGE, bytes, options.maxRunning(), options.maxWaiting());
        return new ServedModel(name, tokenizer, new BatchGenerator(model, Optional.of(tokenizer), limits), context,
                System.currentTimeMillis() / 1000);
    }

    @Override
    public void close() {
        generator.close();
    }
}
