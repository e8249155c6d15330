// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

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

    /** Writes every document, in a fixed order. */
    void write(CorpusWriter writer, TextEncoder encoder, Progress progress) throws IOException;

    /**
     * Prepares the folder {@code out}; on failure, its earlier contents are unchanged.
     *
     * @throws UserError if the text is too short or a file cannot be read or written
     */
    default Meta prepare(Path out, Division division, TextEncoder encoder, Progress progress) {
        try (var writer = new CorpusWriter(out, domains(), division, encoder)) {
            write(writer, encoder, progress);
            return writer.finish(source());
        } catch (IOException e) {
            throw FileErrors.failed("write prepared data to", out, e);
        }
    }
}
