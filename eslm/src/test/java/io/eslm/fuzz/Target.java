// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A reader to try hostile inputs on. It takes an input, refuses it with a {@link io.eslm.tensor.UserError}, or has a fault.
 *
 * @param name of the reader, and of the folder with its kept inputs
 * @param weight how many inputs it gets, compared with the others: less for a slow one
 * @param fixed bytes that it may allocate for any input
 * @param perByte bytes that it may allocate for each byte of an input
 */
record Target(String name, int weight, long fixed, int perByte, Reader reader) {
    @Override
    public String toString() {
        return name;
    }

    /** Reads an input; {@code folder} is this thread's own. */
    @FunctionalInterface
    interface Reader {
        void read(byte[] input, Path folder) throws IOException;
    }

    /**
     * One that needs no file. 64 KB are for an error with its message, its cause and their traces, and for the buffers of a
     * reader of JSON; 128 bytes for a byte are some copies of a text, and of a value an object with its links and its field.
     */
    static Target of(String name, Consumer<byte[]> reader) {
        return new Target(name, 20, 1 << 16, 128, (input, _) -> reader.accept(input));
    }

    /** One that writes the input to a file and reads that: a few buffers of 64 KB, and a copy of the text more. */
    static Target ofFile(String name, Reader reader) {
        return new Target(name, 4, 1 << 18, 256, reader);
    }

    /**
     * One that also writes a page. The rest of the page, which is no part of the input, has the style, up to seven charts and
     * a buffer of 64K chars, all of it copied from text to bytes and back. A byte of the input may become eight chars there.
     */
    static Target ofPage(String name, Reader reader) {
        return new Target(name, 4, 3 << 19, 512, reader);
    }

    Target weighing(int other) {
        return new Target(name, other, fixed, perByte, reader);
    }

    Target allocating(long fixedBytes, int bytesPerByte) {
        return new Target(name, weight, fixedBytes, bytesPerByte, reader);
    }

    /** The kept inputs: a valid one to begin with, and every one that ever showed a fault. */
    List<byte[]> kept() {
        List<byte[]> inputs = new ArrayList<>();
        try (Stream<Path> files = Files.list(resource(name))) {
            for (Path file : files.sorted(Comparator.comparing((Path file) -> !file.endsWith("valid"))
                    .thenComparing(Comparator.naturalOrder())).toList()) {
                inputs.add(Files.readAllBytes(file));
            }
            return inputs;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path resource(String name) {
        try {
            URI uri = Target.class.getResource("inputs/" + name).toURI();
            return Path.of(uri);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
