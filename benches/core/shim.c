/* What the comparison calls of libmseed, as its users do: one record structure, used again. */
#include <stdint.h>
#include <string.h>

#include "libmseed.h"

/* Parse and decode all records of a buffer; the samples of the last one go to `last`, of room for
 * `room` samples. Returns the number of samples, or -1. */
int64_t shim_decode (const char *buffer, uint64_t length, int32_t *last, uint64_t room)
{
  MS3Record *msr = NULL;
  uint64_t offset = 0;
  int64_t samples = 0;
  /* miniSEED 3 has a CRC, and mseed-core always looks at it. */
  const uint32_t flags = MSF_UNPACKDATA | MSF_VALIDATECRC;
  while (offset < length)
  {
    if (msr3_parse (buffer + offset, length - offset, &msr, flags, 0) != MS_NOERROR)
      return -1;
    samples += msr->numsamples;
    offset += (uint64_t)msr->reclen;
  }
  if (msr != NULL && (uint64_t)msr->numsamples <= room)
    memcpy (last, msr->datasamples, (size_t)msr->numsamples * 4);
  msr3_free (&msr);
  return samples;
}

struct sink
{
  char *next;
  char *end;
};

static void keep (char *record, int length, void *data)
{
  struct sink *sink = data;
  if (sink->end - sink->next >= length)
  {
    memcpy (sink->next, record, (size_t)length);
    sink->next += length;
  }
}

/* Pack samples as miniSEED 2 records into `out`; returns the number of bytes, or -1. */
int64_t shim_pack (int32_t *samples, int64_t npts, int reclen, int encoding, char *out,
                   uint64_t room)
{
  MS3Record msr = MS3Record_INITIALIZER;
  struct sink sink = {out, out + room};
  int64_t packed = 0;
  strcpy (msr.sid, "FDSN:XX_TEST__H_H_Z");
  msr.reclen = reclen;
  msr.pubversion = 1;
  msr.starttime = 1577836800000000000;
  msr.samprate = 100.0;
  msr.encoding = (int16_t)encoding;
  msr.numsamples = npts;
  msr.datasamples = samples;
  msr.sampletype = 'i';
  if (msr3_pack (&msr, keep, &sink, &packed, MSF_FLUSHDATA | MSF_PACKVER2, 0) < 0 || packed != npts)
    return -1;
  return sink.next - out;
}
