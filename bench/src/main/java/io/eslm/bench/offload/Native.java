// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.offload;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/**
 * A library of the system, and its functions.
 *
 * @param file the name that the system found it by
 */
@SuppressWarnings("restricted") // native functions are what it is for
record Native(String file, SymbolLookup symbols) {
    /** The first of {@code files} that the system finds. A library stays loaded: its threads may outlive its use. */
    static Optional<Native> find(List<String> files) {
        return files.stream().flatMap(file -> load(file).stream()).findFirst();
    }

    private static Optional<Native> load(String file) {
        try {
            return Optional.of(new Native(file, SymbolLookup.libraryLookup(file, Arena.global())));
        } catch (IllegalArgumentException _) {
            return Optional.empty(); // not there, or it lacks a library of its own
        }
    }

    boolean has(String function) {
        return symbols.find(function).isPresent();
    }

    /** @throws IllegalStateException if the library lacks the function */
    MethodHandle function(String name, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(symbols.find(name)
                .orElseThrow(() -> new IllegalStateException(file + " has no function " + name)), type);
    }

    /** The text that a function returned; empty for none. */
    static String text(Object pointer) {
        MemorySegment text = (MemorySegment) pointer;
        return text.equals(MemorySegment.NULL) ? "" : text.reinterpret(Integer.MAX_VALUE).getString(0).strip();
    }

    /** Calls {@code function}; a failure to call is one of this program. */
    static Object call(MethodHandle function, Object... arguments) {
        try {
            return function.invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new IllegalStateException("calling a native function failed", e);
        }
    }
}
