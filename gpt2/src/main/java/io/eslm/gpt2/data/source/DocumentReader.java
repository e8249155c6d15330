// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.io.IOException;
import java.util.function.Consumer;

/** Reads the documents of a file of one format. */
@FunctionalInterface
public interface DocumentReader {
    /**
     * Passes all documents to {@code sink}, in order, always in the same batches.
     *
     * @throws io.eslm.tensor.UserError naming the place of what is no document
     * @throws IOException if the file cannot be read, or is not text in UTF-8
     */
    void read(SourceFile.Opened file, Consumer<Batch> sink) throws IOException;
}
