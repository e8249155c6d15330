// SPDX-License-Identifier: Apache-2.0
package io.eslm.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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

    /** One that needs no file. */
    static Target of(String name, Consumer<byte[]> reader) {
        return new Target(name, 20, 1 << 16, 128, (input, _) -> reader.accept(input));
    }

    /** One that writes files, and a page from them. */
    static Target ofFolder(String name, Reader reader) {
        return new Target(name, 1, 1 << 23, 512, reader);
    }

    Target weighing(int other) {
        return new Target(name, other, fixed, perByte, reader);
    }

    Target allocating(long fixedBytes, int bytesPerByte) {
        return new Target(name, weight, fixedBytes, bytesPerByte, reader);
    }

    /** The kept inputs: valid ones to begin with, and every one that ever showed a fault. */
    List<byte[]> kept() {
        List<byte[]> inputs = new ArrayList<>();
        try (Stream<Path> files = Files.list(resource(name))) {
            for (Path file : files.sorted().toList()) {
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
