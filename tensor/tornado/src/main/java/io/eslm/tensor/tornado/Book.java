// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * What the tasks of a {@link ProgramPart} are told: one array on the device, which a page from the host overwrites before they start.
 * The host writes to a page again only when the device is known to have read it, so it can go ahead of the device by as many pages as
 * there are; there are as many as were ever needed between two waits.
 */
final class Book {
    /** Ints of a small page: the arguments and scalars of the tasks of a part. */
    static final int TOLD = ProgramPart.MOST_TASKS * (Control.INTS + Control.FLOATS);
    /** Copies of one part that bring something, {@link Device#SMALL} elements at most: a large page has room for it. */
    static final int COPIES = 3;
    static final int INTS = TOLD + COPIES * Device.SMALL;

    /** A page, and the graph that copies it. */
    final class Page {
        private final IntArray ints;
        private final DeviceGraph graph;

        private Page(int size) {
            ints = new IntArray(size);
            TaskGraph tasks =
                    resident.graph(device.newName(), List.of()).consumeFromDevice(Resident.FIRST, resident.book);
            resident.grid(tasks, "t", Control.THREADS, 1).setGlobalWork((long) Control.groups(size) * Control.THREADS,
                    1, 1);
            tasks.transferToDevice(DataTransferMode.EVERY_EXECUTION, ints).task("t", Copies::open, resident.context,
                    resident.book, ints, size);
            graph = new DeviceGraph(resident, tasks.persistOnDevice(resident.book), List.of());
        }

        MemorySegment segment() {
            return ints.getSegment();
        }

        /** Starts to copy it to the device, after everything that was started. */
        void open() {
            graph.start();
            last = this;
        }
    }

    private final class Pages {
        private final int size;
        private final List<Page> all = new ArrayList<>();
        private int used;

        Pages(int size) {
            this.size = size;
        }

        Page next() {
            if (used == most) {
                last.graph.await(); // the queue is in order: everything before it has run too
                device.hasWaited();
            }
            if (used == all.size()) {
                all.add(new Page(size));
            }
            return all.get(used++);
        }
    }

    private final Device device;
    private final Resident resident;
    private final int most;
    private final Pages small = new Pages(TOLD);
    private final Pages large = new Pages(INTS);
    /** The page of either size that was opened last. */
    private Page last;

    /** @param most pages of each size */
    Book(Device device, Resident resident, int most) {
        this.device = device;
        this.resident = resident;
        this.most = most;
    }

    /** A page that the host may write to; a small one has no room for what copies bring. */
    Page page(boolean isLarge) {
        return (isLarge ? large : small).next();
    }

    /** Everything that was started has run. */
    void close() {
        small.used = 0;
        large.used = 0;
    }
}
