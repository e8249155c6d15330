// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.util.Arrays;
import java.util.List;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.runtime.common.TornadoXPUDevice;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryContext;
import uk.ac.manchester.tornado.runtime.library.spi.LibraryInvocation;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoLibraryProvider;
import uk.ac.manchester.tornado.runtime.library.spi.TornadoNativeStreamSupport;

/**
 * Finds out where TornadoVM's CUDA backend keeps an array and on which stream it works, so that a library of NVIDIA's
 * can work there between its kernels. TornadoVM tells that only to providers of library tasks; a task of this
 * provider notes it. In a program, its tasks queue the library's products in their place.
 */
public final class CudaStream implements TornadoLibraryProvider {
    private static final String NAME = "eslm/stream";

    /** What the tasks note: the address of the first element of each array of floats, and CUDA's handles. */
    static final class Place {
        private final long[] addresses;
        private long stream;
        private long context;

        Place(int arrays) {
            addresses = new long[arrays];
        }

        /** Notes everything, with a graph of this name. */
        void find(Resident resident, String name) {
            List<FloatArray> arrays = List.of(resident.floats);
            TaskGraph notes = resident.graph(name, arrays);
            for (int i = 0; i < arrays.size(); i++) {
                Note note = new Note(this, i);
                notes.libraryTask("t" + i, (f, j) -> task(note, f, j), arrays.get(i), resident.ints);
            }
            DeviceGraph graph = new DeviceGraph(resident, notes, arrays);
            graph.start();
            graph.await();
        }

        /** Of an element of an array. */
        long address(int array, int element) {
            return addresses[array] + (long) Float.BYTES * element;
        }

        long stream() {
            return stream;
        }

        long context() {
            return context;
        }
    }

    private record Note(Place place, int array) {
    }

    /** A product that a task of a program queues; which one may change from run to run. */
    static final class Queued {
        private final CuBlas cuBlas;
        ColumnMajor product;

        Queued(CuBlas cuBlas) {
            this.cuBlas = cuBlas;
        }
    }

    private record Nothing() implements LibraryContext {
    }

    /** True where {@link #task} can run. */
    static boolean isOf(Object device) {
        return device instanceof TornadoNativeStreamSupport;
    }

    /**
     * The task that notes where the first of {@code arrays} is, if {@code what} is a {@link Note}, or queues a product, if it is
     * {@link Queued}.
     */
    static LibraryTaskDescriptor task(Object what, Object... arrays) {
        Access[] access = new Access[arrays.length];
        Arrays.fill(access, Access.READ_WRITE);
        return new LibraryTaskDescriptor().withLibrary(NAME).withFunction("note").withParameters(arrays)
                .withAccess(access).withTuning(what);
    }

    @Override
    public String libraryName() {
        return NAME;
    }

    @Override
    public boolean canHandle(TornadoXPUDevice device) {
        return isOf(device);
    }

    @Override
    public LibraryContext createContext(TornadoXPUDevice device, long plan) {
        return new Nothing();
    }

    @Override
    public void dispatch(String function, LibraryInvocation call) {
        if (call.getTuning() instanceof Queued queued) {
            queued.cuBlas.multiply(queued.product);
            return;
        }
        Note note = (Note) call.getTuning();
        Place place = note.place;
        TornadoNativeStreamSupport device = (TornadoNativeStreamSupport) call.getDevice();
        place.addresses[note.array] = call.getDevicePointer(0);
        place.stream = device.getNativeStream(call.getExecutionPlanId());
        place.context = device.getNativeContext(call.getExecutionPlanId());
    }

    @Override
    public void destroyContext(LibraryContext context) {
        // nothing to give back
    }
}
