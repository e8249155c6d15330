// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Text that can become a prepared folder. */
sealed interface Corpus permits TextCorpus, JdkCorpus {
    /** Describes where the text is from. */
    String source();

    /** Everything that the tokens depend on: equal identities give equal tokens. */
    String identity();

    /** Names of the domains, in the order of their ranges. */
    List<String> domains();

    /** Default share of the tokens to hold out. */
    double heldOut();

    /** Shares of windows to draw to train on, by source; empty for none. */
    default Map<String, Double> weights() {
        return Map.of();
    }

    /** Whether a preparation that was killed can go on. */
    default boolean resumes() {
        return false;
    }

    /** Equal for preparations that give equal folders. */
    default String journalIdentity(Division division, TextEncoder encoder) {
        return ContentIndex
                .hex(DataCache.PREPARATION_VERSION + "\n" + division.identity() + encoder.identity() + identity());
    }

    /** Writes every document, in a fixed order, from {@link CorpusWriter#place} on. */
    void write(CorpusWriter writer, TextEncoder encoder, Progress progress) throws IOException;

    /**
     * Prepares the folder {@code out}; on failure, its earlier contents are unchanged.
     *
     * @throws UserError if the text is too short or a file cannot be read or written
     */
    default Meta prepare(Path out, Division division, TextEncoder encoder, Progress progress) {
        try (var writer = resumes() ? new CorpusWriter(out, journalIdentity(division, encoder), division, encoder)
                : new CorpusWriter(out, domains(), division, encoder)) {
            write(writer, encoder, progress);
            return writer.finish(source(), weights());
        } catch (IOException e) {
            throw FileErrors.failed("write prepared data to", out, e);
        }
    }
}
