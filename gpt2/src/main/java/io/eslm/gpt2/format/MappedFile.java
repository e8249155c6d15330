// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.format;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.function.Function;

/**
 * A file in memory, mapped for reading.
 *
 * @param file its path, for messages
 * @param data its bytes
 * @param unmap what {@link #close} does
 */
record MappedFile(Path file, MemorySegment data, Runnable unmap) implements AutoCloseable {
    /** Longer parts of a message are cut. */
    private static final int LONGEST = 200;

    /** Bytes that are no file. */
    static MappedFile of(Path file, byte[] bytes) {
        return new MappedFile(file, MemorySegment.ofArray(bytes).asReadOnly(), () -> {
        });
    }

    /**
     * Maps {@code file} and makes something of it, which closes it in the end. If that fails, it is closed at once.
     *
     * @throws UserError if it cannot be read
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena lives as long as the mapped file, which closes it
    static <T> T open(Path file, Function<MappedFile, T> reader) {
        Arena arena = Arena.ofShared();
        boolean done = false;
        try (FileChannel channel = FileChannel.open(file)) {
            T made = reader.apply(new MappedFile(file,
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena), arena::close));
            done = true;
            return made;
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        } finally {
            if (!done) {
                arena.close();
            }
        }
    }

    long size() {
        return data.byteSize();
    }

    /** "FILE: WHAT. ADVICE". */
    UserError wrong(String what, String advice) {
        return new UserError(file + ": " + what + ". " + advice);
    }

    /** The file breaks a rule of its format. */
    UserError broken(String what) {
        return wrong(what, "The file is damaged or incomplete; copy or export it again");
    }

    /** Text from the file, for a message. */
    static String shown(String text) {
        return UserError.within(LONGEST, text);
    }

    @Override
    public void close() {
        unmap.run();
    }
}
